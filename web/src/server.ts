// The gateway: what it tells, and what it is asked to do.
import type { Action, AuditRecord, State } from './model';

export interface Listener { state(now: State): void; audit(records: AuditRecord[]): void; link(up: boolean, text: string): void }

// Follows /v1/events for as long as the page is there. A browser gives up on an answer that is an error; we do not.
export function follow(listener: Listener): void {
  let wait = 1000;
  const again = (text: string) => {
    listener.link(false, `${text}; trying again`);
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 15000);
  };
  const connect = () => {
    const source = new EventSource('v1/events');
    let last = 'the gateway does not answer';
    source.onmessage = (event: MessageEvent<string>) => {
      const said = JSON.parse(event.data) as Partial<State> & { audit?: AuditRecord[]; error?: string };
      if (said.error) {
        last = said.error;
      } else if (said.audit) {
        listener.audit(said.audit);
      } else {
        wait = 1000;
        listener.link(true, 'live');
        listener.state(said as State);
      }
    };
    source.onerror = () => {
      source.close();
      again(last);
    };
  };
  connect();
}

// One line for the person: what was done, or why not.
export async function carryOut(action: Action, more: Record<string, string>): Promise<string> {
  const body = { ...action.body, ...more };
  const answer = await fetch(action.path, {
    method: 'POST',
    headers: { 'X-Delvegate': '1' },
    body: Object.keys(body).length ? JSON.stringify(body) : '',
  });
  const lines = (await answer.text()).split('\n').filter((line) => line.trim());
  const last = JSON.parse(lines.at(-1) ?? '{}') as { text?: string; error?: string; result?: { state?: string; reports?: { text: string }[] } };
  if (last.error) return last.error;
  if (last.text) return last.text;
  return last.result?.reports?.map((report) => report.text).join('; ') || last.result?.state || 'done';
}
