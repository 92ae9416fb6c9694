// What /v1/events tells (docs/api.md), and what is said of it. All text in it is somebody else's: it is only ever shown as text.
export interface Breakpoint { id: number; user: string; at: string; here: boolean; pinned: boolean; off?: string }
export interface Component {
  component: string; kind: string; state: string; since?: string; by?: string; reason?: string; position?: string; sourceLine?: string; exitStatus?: number; stop?: string;
  runControl?: { mode?: string; holder?: string; since?: string; asking?: string[] };
  park?: { stop: string; by: string; note: string; until: string };
  stopBudget?: { damage: string; used: string; counts: boolean; breakpointsOff: boolean };
  launcher?: { state: string; detached?: boolean; remoteStart?: string; trouble?: string; deadline?: string; warnings?: string[] };
  may: string[]; breakpoints: Breakpoint[];
}
export interface Session { session: string; component: string; user: string; role: string; ide: string; protocol: string; since: string; awaySince?: string; certificateEnds?: string; certificateWarning?: boolean }
export interface State { you: { user: string; certificateEnds: string; certificateWarning: boolean; audit: boolean }; gateway: { certificateEnds: string; certificateWarning: boolean }; components: Component[]; sessions: Session[] }
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

// As the gateway writes it: "2026-11-26 14:03:11 UTC".
export function utcText(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
}

// "1500ms", "90s": nothing where it is no such time.
export function milliseconds(time: string): number | undefined {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(time);
  if (!found) return undefined;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[found[2] as 'ms' | 's' | 'm' | 'h' | 'd'];
  return Number(found[1]) * unit;
}

// Whole seconds, as the extension says them: "59 s", "1 min 4 s", "10 min".
function timeText(time: number): string {
  const all = Math.floor(time / 1000);
  const parts = [`${Math.floor(all / 3600)} h`, `${Math.floor(all / 60) % 60} min`, `${all % 60} s`].filter((part) => !part.startsWith('0 '));
  return parts.join(' ') || '0 s';
}

// The gateway tells what is used once, and whether it counts; `passed` milliseconds later the page has counted on.
export function budgetText(c: Component, passed = 0): string {
  const budget = c.stopBudget;
  if (!budget) return '';
  const told = milliseconds(budget.used), most = milliseconds(budget.damage);
  const used = told === undefined ? budget.used : timeText(told + (budget.counts ? passed : 0));
  return `stop budget: ${used} of ${most === undefined ? budget.damage : timeText(most)} used${budget.breakpointsOff ? '; breakpoints are off' : ''}`;
}

export function launcherText(c: Component): string {
  const it = c.launcher;
  if (!it) return '';
  return [it.trouble, it.deadline && `it is put back by itself at ${it.deadline}`, ...(it.warnings ?? [])].filter(Boolean).join('; ');
}

export function auditText(r: AuditRecord): string {
  const words = [r.time, r.kind, r.user, r.operation, r.component && `at ${r.component}`, r.decision === 'deny' ? 'denied' : '', r.result && `— ${r.result}`];
  return words.filter(Boolean).join(' ');
}

// Whether the viewer is told the audit of that component, now; what is no component's is the gateway's own.
export function mayAudit(component: string, now: State): boolean {
  const of = now.components.find((c) => c.component === component);
  return of ? of.may.includes('audit') : now.you.audit;
}

// Of theirs whom the gateway tells about, of the viewer's, and of the gateway's own: what is soon, the gateway says.
export function certificateWarnings(now: State): string[] {
  const theirs = now.sessions.filter((s) => s.user !== now.you.user && s.certificateWarning);
  const lines = new Set(theirs.map((s) => `${s.user}'s certificate ends at ${s.certificateEnds}`));
  if (now.you.certificateWarning) lines.add(`your certificate ends at ${now.you.certificateEnds}: delvegate connect renews it, or enrol again`);
  if (now.gateway.certificateWarning) lines.add(`the gateway's own certificate ends at ${now.gateway.certificateEnds}: whoever runs it is to renew it, or to restart a gateway that makes its own`);
  return [...lines];
}

export interface Action {
  name: string; label: string; path: string; body?: Record<string, string>;
  ask?: { text: string; yes: string; input?: { name: string; key: string; needed: boolean } };
}

// Which of a launcher's verbs can be of use in the state that it reports; all of them where it reports none.
function fitsLauncher(name: 'start' | 'stop' | 'restore', c: Component): boolean {
  const it = c.launcher;
  if (!it || it.state === 'unknown') return true;
  const inPlace = ['available', 'returned'].includes(it.state);
  if (name === 'start') return (inPlace || it.state === 'failed') && it.remoteStart !== 'never';
  if (name === 'stop') return ['starting', 'detaching', 'running', 'stopped', 'exited'].includes(it.state);
  return Boolean(it.detached) || !inPlace;
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
  if (may('park', c.state === 'stopped' && !c.park)) out.push({ name: 'park', label: 'Park this stop…', path: base + 'park', body: c.stop ? { stop: c.stop } : {},
    ask: { text: `${c.component} stays stopped here for as long as it may, whoever leaves. Say why, for the others.`, yes: 'Park', input: { name: 'Note', key: 'note', needed: true } } });
  if (may('unpark', c.park)) out.push({ name: 'unpark', label: 'Resume…', path: base + 'unpark', body: { stop: c.park?.stop ?? '' },
    ask: { text: `${c.component} goes on from the stop that ${c.park?.by} has parked: ${c.park?.note}`, yes: 'Resume' } });
  if (may('start', fitsLauncher('start', c))) out.push({ name: 'start', label: 'Start…', path: base + 'start', body: {},
    ask: { text: `${c.component} is taken out of what runs it and started anew under the debugger. It does no work in between.`, yes: 'Start' } });
  if (may('stop', fitsLauncher('stop', c))) out.push({ name: 'stop', label: 'Stop…', path: base + 'stop', body: {},
    ask: { text: `The debugged ${c.component} ends, everybody's session at it with it, and it is put back as it was.`, yes: 'Stop' } });
  if (may('restore', fitsLauncher('restore', c))) out.push({ name: 'restore', label: 'Restore…', path: base + 'restore', body: {},
    ask: { text: `${c.component} is put back as it was before it was taken out, whatever it does now.`, yes: 'Restore' } });
  return out;
}

// The same as when it was asked about: another stop, or another session, is not what was meant.
export function isOffered(action: Action, now: State): boolean {
  const same = (one: Action) => one.path === action.path && JSON.stringify(one.body) === JSON.stringify(action.body) && one.ask?.text === action.ask?.text;
  return now.components.some((c) => actionsFor(c, now.you.user).some(same) ||
    (c.may.includes('kill') && now.sessions.some((s) => s.component === c.component && same(killAction(s)))));
}

export function killAction(s: Session): Action {
  return { name: 'kill', label: 'End…', path: `/v1/sessions/${encodeURIComponent(s.session)}/kill`, body: {},
    ask: { text: `${s.user}'s session at ${s.component} (${s.ide || s.protocol}) ends at once and their breakpoints go. The program is not ended; ` +
      'where it was stopped on their account and nobody else is there, it goes on. They are told who ended it, and may connect again.',
      yes: 'End the session', input: { name: 'Reason', key: 'reason', needed: false } } };
}
