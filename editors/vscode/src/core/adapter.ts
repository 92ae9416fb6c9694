import type { DebugProtocol } from '@vscode/debugprotocol';

import type { LocalSources } from './checkout.js';
import { MessageDecoder, encodeMessage } from './dap.js';
import type { StreamUser, Verdict } from './stream.js';
import { fitForTheEditor, withPlainBreakpoints } from './passing.js';
import { lineOf, printable, Trouble, withoutLinks } from './trouble.js';

/** What the adapter says its bytes into: a LinkStream. */
export interface DebugStream {
  send(bytes: Buffer): void;
  end(): void;
  abort(reason: string): void;
}

/** Why the gateway did not do something, and what the person can do about it. */
export interface Refusal {
  line: string;
  remedy: Remedy;
}
export type Remedy = 'ask-for-baton' | 'show-components' | 'enroll' | 'start' | 'none';

export interface AdapterUser {
  toEditor(message: DebugProtocol.ProtocolMessage): void;
  /** A run, step or write of the person's was refused in the middle of a session. */
  refused(refusal: Refusal): void;
  linkIs(up: boolean, reason: string): void;
  /** Commands that a button of the editor's own dialog can call: a URI, or none. */
  link(remedy: Remedy): string | undefined;
}

/** What a launch.json may say of how Delve shows things; nothing else of it leaves this computer. */
export const settingsOfDelve = [
  'goroutineFilters',
  'hideSystemGoroutines',
  'maxArrayValues',
  'maxStringLen',
  'showGlobalVariables',
  'showPprofLabels',
  'showRawStrings',
  'showRegisters',
  'stackTraceDepth',
  'stopOnEntry',
  'substitutePath',
] as const;

const labels: Record<Remedy, string> = {
  'ask-for-baton': 'Ask for the Baton',
  'show-components': 'Show Components',
  enroll: 'Enrol…',
  start: 'Start It',
  none: '',
};
export const labelOf = (remedy: Remedy): string => labels[remedy];

const moves = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'goto', 'restart', 'setVariable', 'setExpression']);
const failedToAttach = 3001; // Delve's own number for it

/** One debug session: the editor's messages on one side, a stream to the gateway on the other. */
export class Adapter implements StreamUser {
  private readonly decoder = new MessageDecoder();
  private readonly waiting = new Map<number, DebugProtocol.Request>();
  private stream: DebugStream | undefined;
  private refusal: Refusal | undefined; // there is no session, and this is why
  private over = false;
  private sequence = 1_000_000_000; // of messages of our own: the gateway's count from 1

  constructor(
    private readonly open: (user: StreamUser) => DebugStream,
    private readonly user: AdapterUser,
    /** What is here of the program's sources, for the gateway to find out by where they were when it was built. */
    private readonly sources?: LocalSources,
  ) {}

  // --- from the editor ---

  fromEditor(message: DebugProtocol.ProtocolMessage): void {
    if (message.type !== 'request') return this.say(message);
    const request = message as DebugProtocol.Request;
    if (this.refusal !== undefined || this.over) return this.answerAlone(request);
    this.waiting.set(request.seq, request);
    this.stream ??= this.open(this);
    this.say(request.command === 'attach' ? forDelve(request, this.sources) : request);
  }

  /** The editor has let go of the session. */
  dispose(): void {
    this.stream?.end();
    this.over = true;
  }

  private say(message: DebugProtocol.ProtocolMessage): void {
    this.stream?.send(encodeMessage(message));
  }

  // There is no gateway any more to answer it.
  private answerAlone(request: DebugProtocol.Request): void {
    if (request.command === 'disconnect' || request.command === 'terminate') {
      this.answer(request, true);
      return this.event('terminated');
    }
    this.refuse(request, this.refusal ?? { line: 'the debug session is over', remedy: 'none' });
  }

  // --- from the stream ---

  decided(verdict: Verdict): void {
    if (verdict.ok) {
      if (verdict.stop !== '') this.print('console', verdict.stop);
      return;
    }
    const remedy = verdict.code === 'no-such-component' ? 'show-components' : remedyFor(verdict.reason);
    this.end({ line: verdict.reason, remedy });
  }

  received(bytes: Buffer): void {
    let messages: DebugProtocol.ProtocolMessage[];
    try {
      messages = this.decoder.feed(bytes);
    } catch (error) {
      this.stream?.abort('no DAP');
      return this.end({ line: `the gateway does not speak the Debug Adapter Protocol: ${lineOf(error)}`, remedy: 'none' });
    }
    for (const message of messages) this.toEditor(message);
  }

  closed(): void {
    this.end({ line: 'the gateway ended the session', remedy: 'none' });
  }

  lost(why: Trouble): void {
    this.end({ line: why.message, remedy: why.kind === 'certificate' ? 'enroll' : 'none' });
  }

  linkIs(up: boolean, reason: string): void {
    this.print('console', up ? 'The link to the gateway goes on.' : `The link to the gateway is down, and is dialled again: ${reason}`);
    this.user.linkIs(up, reason);
  }

  noticed(line: string): void {
    this.print('console', line);
  }

  // --- to the editor ---

  private toEditor(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      const event = fitForTheEditor(message as DebugProtocol.Event);
      if (event?.event === 'terminated') this.over = true;
      return event === undefined ? undefined : this.user.toEditor(event);
    }
    if (message.type !== 'response') return; // a gateway asks an editor for nothing, and would start programs here
    const response = message as DebugProtocol.Response;
    const request = this.waiting.get(response.request_seq);
    this.waiting.delete(response.request_seq);
    if (response.success) return this.user.toEditor(withPlainBreakpoints(response));
    this.user.toEditor(request === undefined ? harmless(response) : this.explained(request, response));
  }

  // A refusal gets a button. What begins a session is shown by the editor in its own dialog, the rest is for us to show.
  private explained(request: DebugProtocol.Request, failed: DebugProtocol.Response): DebugProtocol.Response {
    const response = harmless(failed);
    const line = lineIn(response);
    const remedy = remedyFor(line);
    if (remedy === 'none') return response;
    if (request.command === 'initialize' || request.command === 'attach') return this.withButton(response, line, remedy);
    if (!moves.has(request.command)) return response;
    this.user.refused({ line, remedy });
    const body = ((response.body as unknown) ?? {}) as { error?: DebugProtocol.Message };
    return { ...response, body: { ...body, error: { id: 0, format: literal(line), ...body.error, showUser: false } } };
  }

  private withButton(response: DebugProtocol.Response, line: string, remedy: Remedy): DebugProtocol.Response {
    const url = this.user.link(remedy);
    const button = url === undefined ? {} : { url, urlLabel: labelOf(remedy) };
    const error = { id: failedToAttach, format: literal(line), showUser: true, ...button };
    return { ...response, message: line, body: { error } };
  }

  private end(why: Refusal): void {
    if (this.over) return;
    this.refusal = why;
    const asked = [...this.waiting.values()];
    this.waiting.clear();
    const beginning = asked.filter((request) => request.command === 'initialize' || request.command === 'attach');
    const leaving = asked.some((request) => request.command === 'disconnect');
    if (beginning.length === 0 && !leaving) this.print('important', why.line);
    for (const request of asked)
      if (request.command === 'disconnect') this.answer(request, true);
      else this.refuse(request, why);
    if (beginning.length > 0) return; // the editor says disconnect by itself, once its dialog is shown
    this.over = true;
    this.event('terminated');
  }

  private refuse(request: DebugProtocol.Request, why: Refusal): void {
    const response = this.blank(request, false);
    this.user.toEditor(this.withButton(response, why.line, why.remedy));
  }

  private answer(request: DebugProtocol.Request, success: boolean): void {
    this.user.toEditor(this.blank(request, success));
  }

  private blank(request: DebugProtocol.Request, success: boolean): DebugProtocol.Response {
    return { seq: ++this.sequence, type: 'response', request_seq: request.seq, command: request.command, success };
  }

  private print(category: string, line: string): void {
    this.event('output', { category, output: line + '\n' });
  }

  private event(event: string, body?: unknown): void {
    const message: DebugProtocol.Event = { seq: ++this.sequence, type: 'event', event, ...(body === undefined ? {} : { body }) };
    this.user.toEditor(message);
  }
}

/** What can be done about a refusal in the gateway's words (docs/together.md). */
export function remedyFor(line: string): Remedy {
  if (/has the baton of .*ask for it/.test(line)) return 'ask-for-baton';
  return line.includes('start it with: delvegate start ') ? 'start' : 'none';
}

function lineIn(response: DebugProtocol.Response): string {
  const { error } = (response.body ?? {}) as { error?: DebugProtocol.Message };
  return printable(typeof error?.format === 'string' ? filled(error) : (response.message ?? ''));
}

// The words are the gateway's, and names and values in them are other people's: of what fails, the editor gets text only. Variables are
// filled in here, as a link may come of a format and its variables that is in neither.
function harmless(response: DebugProtocol.Response): DebugProtocol.Response {
  const { error, ...body } = ((response.body as unknown) ?? {}) as { error?: DebugProtocol.Message };
  const message = response.message === undefined ? {} : { message: withoutLinks(response.message) };
  if (error === undefined) return { ...response, ...message };
  const kept: DebugProtocol.Message = { ...error, ...(typeof error.format === 'string' ? { format: withoutLinks(filled(error)) } : {}) };
  delete kept.variables;
  delete kept.url; // buttons are ours alone to give
  delete kept.urlLabel;
  return { ...response, ...message, body: { ...body, error: kept } };
}

const filled = ({ format, variables }: DebugProtocol.Message): string => format.replace(/\{([^}]*)\}/g, (whole, name: string) => variables?.[name] ?? whole);

// In `format` braces are variables.
const literal = (line: string): string => line.replace(/[{}]/g, (brace) => (brace === '{' ? '(' : ')'));

function forDelve(request: DebugProtocol.Request, sources: LocalSources | undefined): DebugProtocol.Request {
  const given = ((request.arguments as unknown) ?? {}) as Record<string, unknown>;
  const kept: Record<string, unknown> = {};
  for (const name of settingsOfDelve) if (given[name] !== undefined) kept[name] = given[name];
  // As with the Go extension: whoever gives rules means these alone.
  const rules = kept.substitutePath;
  const guess = sources === undefined || (rules !== undefined && !(Array.isArray(rules) && rules.length === 0)) ? {} : { guessSubstitutePath: sources };
  return { ...request, arguments: { ...kept, ...guess, request: 'attach', mode: 'remote' } };
}
