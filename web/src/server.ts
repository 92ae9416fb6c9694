// The gateway: what it tells, and what it is asked to do.
import type { Action, AuditRecord, State } from './model';

export interface Listener { state(now: State): void; audit(records: AuditRecord[]): void; link(up: boolean, why: Ended): void }
// `forbidden`: this person is to see nothing any more.
export interface Ended { text: string; forbidden: boolean }

const most_silence = 45_000;  // it says something every 15 s
const longest_wait = 15_000;

// The data of server-sent events, out of their text as it comes in. Not the browser's EventSource: that keeps an error's words to itself.
export class EventText {
  private rest = '';

  take(text: string): string[] {
    const lines = (this.rest + text).split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    return lines.filter((line) => line.startsWith('data:')).map((line) => line.slice('data:'.length));
  }
}

// Of an answer that is not what was asked for: the gateway's own words, where it has some.
export function reasonIn(text: string, status: number): Ended {
  let forbidden = status === 403;
  try {
    const said = JSON.parse(text) as { error?: unknown; code?: unknown };
    forbidden ||= said.code === 'forbidden';
    if (typeof said.error === 'string' && said.error) return { text: said.error, forbidden };
  } catch {
    // not the gateway's
  }
  return { text: `the gateway answers with HTTP ${status}`, forbidden };
}

// Until it ends; why it did.
async function listen(listener: Listener): Promise<Ended> {
  const giveUp = new AbortController();
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => giveUp.abort(), most_silence);
  };
  let last: Ended = { text: 'the gateway does not answer', forbidden: false };
  try {
    heard();
    const answer = await fetch('v1/events', { signal: giveUp.signal, cache: 'no-store' });
    if (!answer.ok || !answer.body) return reasonIn(await answer.text(), answer.status);
    const events = new EventText();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return last;
      heard();
      for (const data of events.take(value)) {
        const said = JSON.parse(data) as Partial<State> & { audit?: AuditRecord[]; error?: string; code?: string };
        if (said.error) {
          last = { text: said.error, forbidden: said.code === 'forbidden' };
        } else if (said.audit) {
          listener.audit(said.audit);
        } else {
          listener.link(true, { text: '', forbidden: false });
          listener.state(said as State);
        }
      }
    }
  } catch {
    return giveUp.signal.aborted ? { ...last, text: 'the gateway is silent' } : last;
  } finally {
    clearTimeout(timer);
  }
}

// A laptop that has been asleep does not wait for the rest of it.
function pause(time: number): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener('online', over);
      done();
    };
    const timer = setTimeout(over, time);
    addEventListener('online', over);
  });
}

// Follows /v1/events for as long as the page is there.
export async function follow(listener: Listener): Promise<never> {
  let wait = 1000;
  const told: Listener = {
    ...listener,
    state(now) {
      wait = 1000;
      listener.state(now);
    },
  };
  for (;;) {
    listener.link(false, await listen(told));
    await pause(wait);
    wait = Math.min(wait * 2, longest_wait);
  }
}

interface Line { text?: string; error?: string; progress?: { text?: string }; result?: { state?: string; reports?: { text: string }[] } }

// One line for the person: what was done, or why not. What is under way meanwhile goes to `step`.
export async function carryOut(action: Action, more: Record<string, string>, step: (text: string) => void): Promise<string> {
  const body = { ...action.body, ...more };
  const answer = await fetch(action.path, {
    method: 'POST',
    headers: { 'X-Delvegate': '1' },
    body: Object.keys(body).length ? JSON.stringify(body) : '',
  });
  let last: Line = {};
  let rest = '';
  const take = (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((one) => one.trim())) {
      last = JSON.parse(line) as Line;
      if (last.progress?.text) step(last.progress.text);
    }
  };
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) take(read.value);
  take('\n');
  if (last.error) return last.error;
  if (last.text) return last.text;
  if (!answer.ok) return `the gateway answers with HTTP ${answer.status}`;
  if (last.progress) throw new Error('the end of it was not told');
  return last.result?.reports?.map((report) => report.text).join('; ') || last.result?.state || 'done';
}
