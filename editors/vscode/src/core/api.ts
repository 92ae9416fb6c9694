import { dial, type Place } from './dial.js';
import { ask, type Question, type Reply } from './http.js';
import { readComponents, readSessions, type Component, type Person } from './report.js';
import { printable, Trouble } from './trouble.js';

export type BatonVerb = 'ask' | 'give' | 'take' | 'drop';
export type Order = 'start' | 'stop' | 'restore';

/** The control API of a gateway (docs/api.md). Everything that fails is a Trouble. */
export class ControlApi {
  /** `place` is asked for each request: a certificate may have been renewed meanwhile. */
  constructor(private readonly place: () => Promise<Place>) {}

  /** Each component that this certificate may see, with everything known of it. */
  async components(): Promise<Component[]> {
    return readComponents(await this.get('/v1/status'));
  }

  /** Who is in which component; undefined from a gateway that does not tell. */
  async sessions(): Promise<Map<string, Person[]> | undefined> {
    const reply = await this.ask({ method: 'GET', path: '/v1/sessions' });
    return reply.status === 200 ? readSessions(parse(reply.body)) : undefined;
  }

  /** What `start` would do, for a person to agree to; one text of several lines. */
  async plan(component: string): Promise<unknown> {
    return this.get(`${pathOf(component)}/plan`);
  }

  /** Start, stop and restore, which take their time: each step is told. */
  async order(component: string, order: Order, body: object | undefined, progress: (line: string) => void): Promise<void> {
    let last: Record<string, unknown> | undefined;
    const reply = await this.ask({
      method: 'POST',
      path: `${pathOf(component)}/${order}`,
      ...(body === undefined ? {} : { body }),
      silence: 60_000, // an empty line comes every 15 s
      line: (line) => {
        const said = parse(line) as Record<string, unknown>;
        const step = said.progress as { text?: unknown } | undefined;
        if (step === undefined) last = said;
        else if (typeof step.text === 'string') progress(printable(step.text));
      },
    });
    if (last !== undefined) check(200, last);
    else if (reply.body.trim() !== '') check(reply.status, parse(reply.body));
    else throw new Trouble('unreachable', `the gateway's answer ended too early; the view tells what became of ${component}`);
  }

  /** A line for the person. */
  async baton(component: string, verb: BatonVerb, to?: string): Promise<string> {
    return this.post(`${pathOf(component)}/baton`, { do: verb, ...(to === undefined ? {} : { to }) });
  }

  async park(component: string, note: string, time?: string): Promise<string> {
    return this.post(`${pathOf(component)}/park`, { note, ...(time === undefined ? {} : { for: time }) });
  }

  async unpark(component: string): Promise<string> {
    return this.post(`${pathOf(component)}/unpark`, {});
  }

  private async get(path: string): Promise<unknown> {
    const reply = await this.ask({ method: 'GET', path });
    const body = parse(reply.body);
    check(reply.status, body);
    return body;
  }

  private async post(path: string, body: object): Promise<string> {
    const reply = await this.ask({ method: 'POST', path, body });
    const said = parse(reply.body) as { text?: unknown };
    check(reply.status, said);
    return typeof said.text === 'string' ? printable(said.text) : '';
  }

  private async ask(question: Question): Promise<Reply> {
    const place = await this.place();
    return ask(await dial(place, 'http/1.1'), place.gateway, question);
  }
}

const pathOf = (component: string): string => `/v1/components/${encodeURIComponent(component)}`;

function parse(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: falls through.
  }
  if (typeof parsed !== 'object' || parsed === null) throw new Trouble('refused', "the gateway's answer is not JSON; is it another version?");
  return parsed;
}

function check(status: number, body: unknown): void {
  const { error, code } = body as { error?: unknown; code?: unknown };
  if (typeof error === 'string') throw new Trouble('refused', error, typeof code === 'string' ? code : undefined);
  if (status !== 200) throw new Trouble('refused', `the gateway answered ${String(status)}`);
}
