// The gateway: what it tells, and what it is asked to do.
import type { Action, AuditRecord, State } from './model';

export interface Listener { state(now: State): void; audit(records: AuditRecord[]): void; link(up: boolean, why: Ended): void }
// `forbidden`: this person is to see nothing any more. `trying`: it is asked again soon.
export interface Ended { text: string; forbidden: boolean; trying: boolean }

const most_silence = 45_000;  // it says something every 15 s
const longest_wait = 15_000;
// A browser has six connections to one origin (HTTP/1.1), for all its tabs, and each page that follows holds one: where nobody looks, it
// is let go of. Who looks away for a moment keeps it.
const longest_hidden = 15_000;

const no_answer = `no answer for ${most_silence / 1000} s: the gateway is silent, or more than six pages of it are on the screen, for which a browser has no connection`;
const paused: Ended = { text: 'this page lets go of the gateway while it is hidden', forbidden: false, trying: false };

// Whether `delvegate ui` stands between (it says so in what it passes on): where there is no answer at all, then, it has ended.
let by_ui = false;
function heardBy(answer: Response): void {
  by_ui = answer.headers.has('X-Delvegate-Ui');
}
const ui_has_ended = 'delvegate ui has ended: run it again, and follow the link that it prints';

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
    if (typeof said.error === 'string' && said.error) return { text: said.error, forbidden, trying: true };
  } catch {
    // not the gateway's
  }
  return { text: `the gateway answers with HTTP ${status}`, forbidden, trying: true };
}

// Until it ends; why it did.
async function listen(listener: Listener): Promise<Ended> {
  const giveUp = new AbortController();
  let silence = 0, hidden = 0;
  let last: Ended = { text: 'the gateway does not answer', forbidden: false, trying: true };
  const giveUpFor = (why: Ended) => {
    last = why;
    giveUp.abort();
  };
  const heard = (text = 'the gateway is silent') => {
    clearTimeout(silence);
    silence = window.setTimeout(() => giveUpFor({ text, forbidden: false, trying: true }), most_silence);
  };
  const looked = () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = window.setTimeout(() => giveUpFor(paused), longest_hidden);
  };
  try {
    document.addEventListener('visibilitychange', looked);
    looked();
    heard(no_answer);
    const answer = await fetch('v1/events', { signal: giveUp.signal, cache: 'no-store' }).catch((error: unknown) => {
      if (by_ui && !giveUp.signal.aborted) last = { text: ui_has_ended, forbidden: false, trying: false };
      throw error;
    });
    heardBy(answer);
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
          last = { text: said.error, forbidden: said.code === 'forbidden', trying: true };
        } else if (said.audit) {
          listener.audit(said.audit);
        } else {
          listener.link(true, { text: '', forbidden: false, trying: false });
          listener.state(said as State);
        }
      }
    }
  } catch {
    return last;
  } finally {
    clearTimeout(silence);
    clearTimeout(hidden);
    document.removeEventListener('visibilitychange', looked);
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

// At once, where the page is looked at.
function shown(): Promise<void> {
  return new Promise((done) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      done();
    };
    document.addEventListener('visibilitychange', look);
    look();
  });
}

// Follows /v1/events for as long as the page is there and looked at.
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
    if (document.hidden) listener.link(false, paused);
    await shown();
    const why = await listen(told);
    listener.link(false, why);
    if (why === paused) continue;
    await pause(wait);
    wait = Math.min(wait * 2, longest_wait);
  }
}

interface Line { text?: string; error?: string; progress?: { text?: string }; result?: { state?: string; reports?: { text: string }[] } }

// One line for the person: what was done, or why not, or that it is not known. What is under way meanwhile goes to `step`.
export async function carryOut(action: Action, more: Record<string, string>, step: (text: string) => void, silence = most_silence): Promise<string> {
  const giveUp = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp.abort(), silence);
  };
  let asked = false;
  try {
    heard();
    const body = { ...action.body, ...more };
    const answer = await fetch(action.path, {
      method: 'POST',
      headers: { 'X-Delvegate': '1' },
      body: Object.keys(body).length ? JSON.stringify(body) : '',
      signal: giveUp.signal,
    });
    heardBy(answer);
    asked = true;
    return await outcomeOf(answer, step, heard);
  } catch {
    if (giveUp.signal.aborted) return `nothing was heard of it for ${silence / 1000} s, so it may have been done or not: look, before you do it again`;
    if (!asked && by_ui) return `look whether it was done: ${ui_has_ended}`;
    return `${asked ? 'its end was not told' : 'the gateway did not answer'}: look whether it was done`;
  } finally {
    clearTimeout(timer);
  }
}

async function outcomeOf(answer: Response, step: (text: string) => void, heard: () => void): Promise<string> {
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
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    heard();
    take(read.value);
  }
  take('\n');
  if (last.error) return last.error;
  if (last.text) return last.text;
  if (!answer.ok) return `the gateway answers with HTTP ${answer.status}`;
  if (last.progress) throw new Error('the end of it was not told');
  return last.result?.reports?.map((report) => report.text).join('; ') || last.result?.state || 'done';
}
