import { utc } from './dial.js';
import type { Ending } from './renewal.js';
import type { Component, Person } from './report.js';

/** How a component is shown: texts only, no editor in it. */
export interface Row {
  id: string;
  label: string;
  description?: string;
  tooltip?: string;
  icon: string; // a codicon
  command?: string; // of a click
}

const icons: Record<string, string> = {
  running: 'debug-start',
  stopped: 'debug-pause',
  starting: 'loading~spin',
  detaching: 'loading~spin',
  stopping: 'loading~spin',
  restoring: 'loading~spin',
  exited: 'debug-disconnect',
  available: 'circle-outline',
};

export function componentRow(one: Component): Row {
  const parts = [one.state.replace(/_/g, ' ')];
  if (one.state === 'stopped' && one.position !== undefined) parts.push(`at ${one.position}`);
  if (one.exitStatus !== undefined) parts.push(`with status ${String(one.exitStatus)}`);
  if (one.park !== undefined) parts.push('parked');
  const tooltip = [
    `${one.name} (${one.kind}): ${parts.join(' ')}`,
    ...(one.since === undefined ? [] : [`since ${one.since}${one.by === undefined ? '' : ` by ${one.by}`}`]),
    ...(one.reason === undefined ? [] : [one.reason]),
    ...(one.detail === undefined ? [] : [one.detail]),
    ...one.warnings.map((line) => `warning: ${line}`),
  ].join('\n');
  return { id: one.name, label: one.name, description: parts.join(' '), tooltip, icon: one.warnings.length > 0 ? 'warning' : (icons[one.state] ?? 'circle-slash') };
}

/** What stands below a component: who is there, who may run it, how long it may stand. */
export function detailRows(one: Component, me: string): Row[] {
  const rows: Row[] = [];
  const add = (id: string, icon: string, label: string, description?: string): void => {
    rows.push({ id: `${one.name}/${id}`, icon, label, ...(description === undefined ? {} : { description }) });
  };
  if (one.detached) add('detached', 'plug', 'Taken out', one.deadline === undefined ? undefined : `put back at ${one.deadline}`);
  if (one.baton?.mode === 'baton') {
    add('baton', 'key', `Baton: ${batonText(one, me)}`, one.baton.since === undefined ? undefined : `since ${one.baton.since}`);
    one.baton.asking.forEach((user) => {
      add(`asks/${user}`, 'question', `${nameOf(user, me)} ${user === me ? 'ask' : 'asks'} for the baton`);
    });
  }
  if (one.park !== undefined) add('park', 'pin', `Parked: ${one.park.note ?? ''}`, `by ${one.park.by ?? '?'} until ${one.park.until ?? '?'}`);
  if (one.budget !== undefined) add('budget', 'watch', `Stop budget: ${budgetText(one)}`, one.budget.forcedResumes > 0 ? `${String(one.budget.forcedResumes)} stops cut short` : undefined);
  one.people.forEach((person, number) => {
    add(`person/${String(number)}`, 'person', nameOf(person.user, me), personText(person));
  });
  return rows;
}

/** Above the components; a click mends it. */
export function endingRow(one: Ending): Row {
  const end = `Certificate ends on ${utc(one.notAfter)}`;
  const [description, command] = one.locked ? ['give the passphrase', 'delvegate.unlock'] : ['enrol again', 'delvegate.enroll'];
  return { id: 'ending', icon: 'warning', label: end, description, tooltip: one.line, command };
}

/** The status bar's words during a session. */
export function statusText(one: Component, me: string): string {
  const parts = [one.state.replace(/_/g, ' ')];
  if (one.baton?.mode === 'baton' && one.people.length > 1) parts.push(`baton: ${batonText(one, me)}`);
  if (one.budget !== undefined && one.state === 'stopped') parts.push(budgetText(one));
  if (one.park !== undefined) parts.push('parked');
  return `${one.name}: ${parts.join(' · ')}`;
}

export function batonText(one: Component, me: string): string {
  const { holder, first } = one.baton ?? { first: [] as string[] };
  if (holder !== undefined) return nameOf(holder, me);
  return first.length > 0 ? `${first.map((user) => nameOf(user, me)).join(', ')} first` : 'nobody';
}

function budgetText(one: Component): string {
  if (one.budget === undefined) return '';
  return one.budget.breakpointsOff ? 'used up, breakpoints are off' : `${durationText(one.budget.used)} of ${durationText(one.budget.damage)} used`;
}

/** A time of the gateway's (`30719ms`, `1h30m`) for a person: 30.7 s, 1 h 30 min. What is none stays as it is. */
export function durationText(time: string): string {
  const parts = /^(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,12})ms)?$/.exec(time);
  if (parts === null || time === '') return time;
  const [h, m, s, ms] = parts.slice(1).map((part) => Number((part as string | undefined) ?? '0')) as [number, number, number, number];
  const all = ((h * 60 + m) * 60 + s) + ms / 1000;
  if (all < 59.95) return `${String(Math.round(all * 10) / 10)} s`;
  const whole = Math.round(all);
  return [`${String(Math.floor(whole / 3600))} h`, `${String(Math.floor(whole / 60) % 60)} min`, `${String(whole % 60)} s`]
    .filter((part) => !part.startsWith('0 '))
    .join(' ');
}

const nameOf = (user: string, me: string): string => (user === me ? 'you' : user);

function personText(person: Person): string {
  return [person.role, person.ide ?? person.protocol, person.awaySince === undefined ? undefined : `away since ${person.awaySince}`, person.since === undefined ? undefined : `since ${person.since}`]
    .filter((part) => part !== undefined)
    .join(', ');
}
