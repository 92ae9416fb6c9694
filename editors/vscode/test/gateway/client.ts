import type { DebugProtocol } from '@vscode/debugprotocol';

import { Adapter, type Refusal } from '../../src/core/adapter.js';
import type { LocalSources } from '../../src/core/checkout.js';
import { ContextStore } from '../../src/core/contexts.js';
import { dial, type Place } from '../../src/core/dial.js';
import { LinkStream } from '../../src/core/link.js';

export const store = new ContextStore();

export function placeOf(name: string, passphrase?: string): Place {
  return { gateway: store.read(name).gateway, identity: store.identity(name, passphrase) };
}

/** What VS Code is to the adapter: it asks, and keeps what it is told. */
export class Client {
  readonly events: DebugProtocol.Event[] = [];
  readonly refusals: Refusal[] = [];
  links = 0; // that broke
  private readonly adapter: Adapter;
  private readonly answers = new Map<number, DebugProtocol.Response[]>();
  private wakes: (() => void)[] = [];
  private seq = 0;

  constructor(place: () => Place, component: string, sources?: LocalSources) {
    const way = async () => ({ socket: await dial(place(), 'delvegate/1'), gateway: place().gateway });
    this.adapter = new Adapter((user) => new LinkStream(way, { component }, user, { firstPause: 10, longestPause: 200 }), {
      toEditor: (message) => {
        if (message.type === 'event') this.events.push(message as DebugProtocol.Event);
        else {
          const response = message as DebugProtocol.Response;
          this.answers.set(response.request_seq, [...(this.answers.get(response.request_seq) ?? []), response]);
        }
        for (const wake of this.wakes.splice(0)) wake();
      },
      refused: (refusal) => this.refusals.push(refusal),
      linkIs: (up) => {
        if (!up) this.links++;
      },
      link: (remedy) => (remedy === 'none' ? undefined : `command:x.${remedy}`),
    }, sources);
  }

  ask(command: string, args?: object): number {
    const message: DebugProtocol.Request = { seq: ++this.seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) };
    this.adapter.fromEditor(message);
    return message.seq;
  }

  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.wakes.push(resolve));
    }
  }

  answer(seq: number): Promise<DebugProtocol.Response> {
    return this.until(() => this.answers.get(seq)?.[0]);
  }

  /** Succeeds, or throws with what the gateway said. */
  async call(command: string, args?: object): Promise<Record<string, unknown>> {
    const response = await this.answer(this.ask(command, args));
    if (!response.success) throw new Error(`${command}: ${JSON.stringify(response)}`);
    return ((response.body as unknown) ?? {}) as Record<string, unknown>;
  }

  /** How many requests have another number of answers than one. */
  get wronglyAnswered(): number {
    return Array.from({ length: this.seq }, (_, index) => this.answers.get(index + 1)?.length ?? 0).filter((number) => number !== 1).length;
  }

  event(name: string, from = 0): Promise<DebugProtocol.Event> {
    return this.until(() => this.events.slice(from).find((one) => one.event === name));
  }

  async attach(breakpoint?: { path: string; line: number }): Promise<void> {
    await this.call('initialize', { clientID: 'vscode', adapterID: 'delvegate', pathFormat: 'path', linesStartAt1: true, columnsStartAt1: true });
    const attached = this.ask('attach', { name: 'x', component: 'app', secret: 'of mine', ...(breakpoint === undefined ? { stopOnEntry: true } : {}) });
    await this.event('initialized');
    if (breakpoint !== undefined) await this.call('setBreakpoints', { source: { name: 'main.go', path: breakpoint.path }, breakpoints: [{ line: breakpoint.line }], lines: [breakpoint.line] });
    await this.call('configurationDone');
    await this.answer(attached);
  }

  async disconnect(): Promise<void> {
    await this.call('disconnect', { restart: false });
    await this.event('terminated');
    this.adapter.dispose();
  }
}
