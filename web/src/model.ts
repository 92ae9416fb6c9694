// What /v1/events tells (docs/api.md), and what is said of it. All text in it is somebody else's: it is only ever shown as text.
export interface Breakpoint { id: number; user: string; at: string; here: boolean; pinned: boolean; off?: string }
export interface Component {
  component: string; kind: string; state: string; since?: string; by?: string; reason?: string; position?: string; sourceLine?: string; exitStatus?: number; stop?: string;
  runControl?: { mode?: string; holder?: string; since?: string; asking?: string[] };
  park?: { stop: string; by: string; note: string; until: string };
  stopBudget?: { damage: string; used: string; breakpointsOff: boolean };
  may: string[]; breakpoints: Breakpoint[];
}
export interface Session { session: string; component: string; user: string; role: string; ide: string; protocol: string; since: string; awaySince?: string; certificateEnds?: string }
export interface State { you: { user: string; certificateEnds: string; certificateWarning: boolean }; components: Component[]; sessions: Session[] }
export interface AuditRecord { number: number; time: string; kind: string; user?: string; component?: string; operation?: string; decision?: string; result?: string }

export function stateText(c: Component): string {
  let text = c.state;
  if (c.since) text += ` since ${c.since}`;
  if (c.by) text += `, by ${c.by}`;
  if (c.reason) text += `: ${c.reason}`;
  if (c.exitStatus !== undefined) text += ` (status ${c.exitStatus})`;
  return text;
}

// "main.work() in …/cmd/main.go:42": a path on the node is long, and its end is what is looked for.
export function shortPosition(position: string): string {
  return position.replace(/(^|[ (])\/\S*\/([^/\s]+\/[^/\s]+)/, '$1…/$2');
}

export function batonText(c: Component): string {
  const run = c.runControl;
  if (!run) return '';
  if (run.mode === 'open') return 'everybody with control may run it';
  const asking = run.asking?.length ? `; asking: ${run.asking.join(', ')}` : '';
  return (run.holder ? `baton: ${run.holder}${run.since ? ` since ${run.since}` : ''}` : 'baton: nobody has it') + asking;
}

export function budgetText(c: Component): string {
  const budget = c.stopBudget;
  if (!budget) return '';
  return `stop budget: ${budget.used} of ${budget.damage} used${budget.breakpointsOff ? '; breakpoints are off' : ''}`;
}

export function auditText(r: AuditRecord): string {
  const words = [r.time, r.kind, r.user, r.operation, r.component && `at ${r.component}`, r.decision === 'deny' ? 'denied' : '', r.result && `— ${r.result}`];
  return words.filter(Boolean).join(' ');
}

// "2026-11-26 14:03:11 UTC"
export function endsWithinADay(time: string | undefined, now: number): boolean {
  if (!time) return false;
  const at = Date.parse(time.replace(' UTC', 'Z').replace(' ', 'T'));
  return Number.isFinite(at) && at - now < 24 * 3600 * 1000;
}

export interface Action {
  name: string; label: string; path: string; body?: Record<string, string>;
  ask?: { text: string; yes: string; input?: { name: string; key: string; needed: boolean } };
}

// What this viewer is offered at that component now.
export function actionsFor(c: Component, you: string): Action[] {
  const base = `/v1/components/${encodeURIComponent(c.component)}/`;
  const holder = c.runControl?.holder ?? '';
  const baton = c.runControl && c.runControl.mode !== 'open';
  const mine = holder === you;
  const out: Action[] = [];
  const may = (name: string, when: unknown) => c.may.includes(name) && Boolean(when);
  if (may('ask', baton && !mine)) out.push({ name: 'ask', label: 'Ask for the baton', path: base + 'baton', body: { do: 'ask' } });
  if (may('give', baton && mine)) out.push({ name: 'give', label: 'Give the baton…', path: base + 'baton', body: { do: 'give' },
    ask: { text: `Who is to run ${c.component} from now on? Without a name it goes to who has asked first.`, yes: 'Give', input: { name: 'Person', key: 'to', needed: false } } });
  if (may('drop', baton && mine)) out.push({ name: 'drop', label: 'Drop the baton', path: base + 'baton', body: { do: 'drop' } });
  if (may('take', baton && holder && !mine)) out.push({ name: 'take', label: 'Take the baton…', path: base + 'baton', body: { do: 'take' },
    ask: { text: `${holder} has the baton of ${c.component} and will not be able to run or step it until they get it back.`, yes: 'Take the baton' } });
  if (may('park', c.state === 'stopped' && !c.park)) out.push({ name: 'park', label: 'Park this stop…', path: base + 'park', body: {},
    ask: { text: `${c.component} stays stopped here for as long as it may, whoever leaves. Say why, for the others.`, yes: 'Park', input: { name: 'Note', key: 'note', needed: true } } });
  if (may('unpark', c.park)) out.push({ name: 'unpark', label: 'Resume…', path: base + 'unpark', body: {},
    ask: { text: `${c.component} goes on from the stop that ${c.park?.by} has parked: ${c.park?.note}`, yes: 'Resume' } });
  if (may('start', true)) out.push({ name: 'start', label: 'Start…', path: base + 'start', body: {},
    ask: { text: `${c.component} is taken out of what runs it and started anew under the debugger. It does no work in between.`, yes: 'Start' } });
  if (may('stop', true)) out.push({ name: 'stop', label: 'Stop…', path: base + 'stop', body: {},
    ask: { text: `The debugged ${c.component} ends, everybody's session at it with it, and it is put back as it was.`, yes: 'Stop' } });
  if (may('restore', true)) out.push({ name: 'restore', label: 'Restore…', path: base + 'restore', body: {},
    ask: { text: `${c.component} is put back as it was before it was taken out, whatever it does now.`, yes: 'Restore' } });
  return out;
}

export function killAction(s: Session): Action {
  return { name: 'kill', label: 'End…', path: `/v1/sessions/${encodeURIComponent(s.session)}/kill`, body: {},
    ask: { text: `${s.user}'s session at ${s.component} (${s.ide || s.protocol}) ends at once and their breakpoints go. The program is not ended; ` +
      'where it was stopped on their account and nobody else is there, it goes on. They are told who ended it, and may connect again.',
      yes: 'End the session', input: { name: 'Reason', key: 'reason', needed: false } } };
}
