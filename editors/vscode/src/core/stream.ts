import type { Duplex } from 'node:stream';

import type { HostPort } from './address.js';
import { printable, type Trouble } from './trouble.js';

export interface Verdict {
  ok: boolean;
  code: string;
  reason: string;
  component: string;
  session: string;
  /** Whether the stop stands that the person came for; a line for them. */
  stop: string;
}

/** Who uses a stream. After `lost` or `closed` nothing is called any more. */
export interface StreamUser {
  decided(verdict: Verdict): void;
  received(bytes: Buffer): void;
  /** The other end says no more: the session is over. */
  closed(): void;
  /** The session is over, and this is why. */
  lost(why: Trouble): void;
  /** The link broke, and is dialled again (up is false), or goes on. */
  linkIs(up: boolean, reason: string): void;
  /** A line of the gateway's for the person. */
  noticed(line: string): void;
}

/** A connection that is made, and to whom: what goes wrong with it is told with that name. */
export interface Way {
  socket: Duplex;
  gateway: HostPort;
}

export interface StreamRequest {
  component: string;
  stop?: string;
}

/** Milliseconds; tests have shorter ones. */
export interface LinkTimes {
  answer: number; // a gateway that does not answer for so long is gone
  ping: number;
  firstPause: number;
  longestPause: number;
  goodbye: number;
}
export const usualTimes: LinkTimes = { answer: 8_000, ping: 10_000, firstPause: 250, longestPause: 15_000, goodbye: 1_000 };
/** One line of what the gateway says. */
export function text(value: unknown): string {
  return typeof value === 'string' ? printable(value, 512) : '';
}

/** How far the gateway's end of a stream came. */
export interface PlaceThere {
  received: number;
  ended: boolean;
  reset?: string;
}

/** Of a RESUMED's streams, ours; undefined: it has none. */
export function placeOf(list: unknown, id: number): PlaceThere | undefined {
  if (!Array.isArray(list)) throw new Error('it goes on with no streams');
  for (const one of list as unknown[]) {
    if (typeof one !== 'object' || one === null) continue;
    const { stream, received, ended, reset } = one as Record<string, unknown>;
    if (stream !== id) continue;
    if (typeof reset === 'string') return { received: 0, ended: false, reset };
    if (typeof received !== 'number' || !Number.isSafeInteger(received)) throw new Error('it does not say what it has received');
    return { received, ended: ended === true };
  }
  return undefined;
}
