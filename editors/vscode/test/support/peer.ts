import { Duplex } from 'node:stream';

import { FrameDecoder, FrameType, encodeControl, encodeOffset, readControl, type Frame } from '../../src/core/frames.js';
import type { StreamUser, Verdict } from '../../src/core/stream.js';
import type { Trouble } from '../../src/core/trouble.js';

/** The gateway's end of one connection, said and heard frame by frame, for what a real gateway cannot be made to say. */
export class Peer {
  readonly client: Duplex;
  private readonly decoder = new FrameDecoder();
  private readonly frames: Frame[] = [];
  private wake: (() => void) | undefined;

  constructor() {
    this.client = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        this.frames.push(...this.decoder.feed(bytes));
        this.wake?.();
        done();
      },
    });
  }

  /** The next frame; those of the types in `without` are passed over. */
  async next(without: FrameType[] = []): Promise<Frame> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame !== undefined && !without.includes(frame.type)) return frame;
      if (frame === undefined)
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
    }
  }

  async control(type: FrameType): Promise<Record<string, unknown>> {
    const frame = await this.next();
    if (frame.type !== type) throw new Error(`expected ${FrameType[type]}, heard ${FrameType[frame.type]}`);
    return readControl(frame);
  }

  get heard(): number {
    return this.frames.length;
  }

  say(type: FrameType, stream: number, body: object): void {
    this.client.push(encodeControl(type, stream, body));
  }
  offset(type: FrameType, offset: number, bytes?: string, stream = 1): void {
    this.client.push(encodeOffset(type, stream, offset, bytes === undefined ? undefined : Buffer.from(bytes)));
  }
  hello(link = 'abc'): void {
    this.say(FrameType.hello, 0, { version: 1, agent: 'delvegate/0.1.0', link, keepSeconds: link === '' ? 0 : 600 });
  }
  /** Without TLS's goodbye. */
  cut(): void {
    this.client.destroy(new Error('cut'));
  }
}

/** What a stream's user was told, in order. */
export class Told implements StreamUser {
  readonly all: string[] = [];
  private wakes: (() => void)[] = [];

  private tell(line: string): void {
    this.all.push(line);
    for (const wake of this.wakes.splice(0)) wake();
  }
  async until(line: string | RegExp): Promise<void> {
    while (!this.all.some((one) => (typeof line === 'string' ? one === line : line.test(one))))
      await new Promise<void>((resolve) => this.wakes.push(resolve));
  }

  decided(verdict: Verdict): void {
    this.tell(`decided ${String(verdict.ok)} ${verdict.reason}`);
  }
  received(bytes: Buffer): void {
    this.tell(`received ${bytes.toString()}`);
  }
  closed(): void {
    this.tell('closed');
  }
  lost(why: Trouble): void {
    this.tell(`lost ${why.kind}: ${why.message}`);
  }
  linkIs(up: boolean): void {
    this.tell(`link ${up ? 'up' : 'down'}`);
  }
  noticed(line: string): void {
    this.tell(`noticed ${line}`);
  }
}
