import { goodComponent } from './target.js';
import { printable, Trouble } from './trouble.js';

/** What a gateway says of a component (docs/api.md), read leniently: a member that is not as expected is not there. */
export interface Component {
  name: string;
  kind: string;
  state: string;
  since?: string;
  position?: string;
  by?: string;
  reason?: string;
  stop?: string;
  detail?: string;
  exitStatus?: number;
  detached: boolean;
  armedUntil?: string;
  deadline?: string;
  people: Person[];
  baton?: Baton;
  budget?: Budget;
  park?: Park;
  warnings: string[];
}

export interface Person {
  user: string;
  protocol?: string;
  ide?: string;
  role?: string;
  since?: string;
  awaySince?: string;
}

export interface Baton {
  mode: string;
  holder?: string;
  since?: string;
  first: string[];
  asking: string[];
}

export interface Budget {
  damage: string;
  used: string;
  breakpointsOff: boolean;
  forcedResumes: number;
}

export interface Park {
  stop?: string;
  by?: string;
  note?: string;
  until?: string;
}

type Json = Record<string, unknown>;

/** Those with a name that a component can have: it is shown, and stands in commands. */
export function readComponents(report: unknown): Component[] {
  const list = object(report).components;
  if (!Array.isArray(list)) throw new Trouble('refused', "the gateway's answer has no components; is it another version?");
  return (list as unknown[]).map(readComponent).filter((one) => goodComponent(one.name));
}

export function readSessions(report: unknown): Map<string, Person[]> {
  const people = new Map<string, Person[]>();
  for (const one of objects(object(report).sessions)) {
    const component = word(one.component);
    if (component === undefined) continue;
    const inside = objects(one.people);
    const found = (inside.length > 0 ? inside : [one]).map(readPerson).filter((person) => person.user !== '');
    people.set(component, [...(people.get(component) ?? []), ...found]);
  }
  return people;
}

function readComponent(value: unknown): Component {
  const one = object(value);
  const launcher = object(one.launcher);
  const baton = one.runControl ?? one.baton;
  return {
    name: word(one.name) ?? '',
    kind: word(one.kind) ?? '',
    state: word(one.state) ?? 'unknown',
    detached: launcher.detached === true || one.detached === true,
    people: objects(one.viewers).map(readPerson),
    warnings: [...words(one.warnings), ...some(word(launcher.trouble))],
    ...members(one, ['since', 'position', 'by', 'reason', 'stop', 'detail']),
    ...members(launcher, ['armedUntil', 'deadline']),
    ...(typeof one.exitStatus === 'number' ? { exitStatus: one.exitStatus } : {}),
    ...(typeof baton === 'object' && baton !== null ? { baton: readBaton(object(baton)) } : {}),
    ...(typeof one.stopBudget === 'object' && one.stopBudget !== null ? { budget: readBudget(object(one.stopBudget)) } : {}),
    ...(typeof one.park === 'object' && one.park !== null ? { park: members(object(one.park), ['stop', 'by', 'note', 'until']) } : {}),
  };
}

function readPerson(one: Json): Person {
  return { user: word(one.user) ?? '', ...members(one, ['protocol', 'ide', 'role', 'since', 'awaySince']) };
}

function readBaton(one: Json): Baton {
  return { mode: word(one.mode) ?? 'baton', first: words(one.first), asking: words(one.asking), ...members(one, ['holder', 'since']) };
}

function readBudget(one: Json): Budget {
  return {
    damage: word(one.damage) ?? '',
    used: word(one.used) ?? '',
    breakpointsOff: one.breakpointsOff === true,
    forcedResumes: typeof one.forcedResumes === 'number' ? one.forcedResumes : 0,
  };
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});
const objects = (value: unknown): Json[] => (Array.isArray(value) ? (value as unknown[]).map(object) : []);
const word = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? printable(value, 512) : undefined);
const words = (value: unknown): string[] => (Array.isArray(value) ? (value as unknown[]).flatMap((one) => some(word(one))) : []);
const some = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);

function members<K extends string>(from: Json, names: readonly K[]): Partial<Record<K, string>> {
  const out: Partial<Record<K, string>> = {};
  for (const name of names) {
    const value = word(from[name]);
    if (value !== undefined) out[name] = value;
  }
  return out;
}
