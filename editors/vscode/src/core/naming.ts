import { addressText, type HostPort } from './address.js';
import type { Invitation } from './enroll.js';
import { goodName, nameFor, type ContextStore, type Taken } from './contexts.js';

/** Who is asked how a new context is to be called. undefined: the question was dismissed. */
export interface NameGiver {
  /** Whether the context that is there is to be replaced, or the new one called otherwise. */
  replaces(line: string): Promise<'replace' | 'rename' | undefined>;
  /** A name that fault() finds none in. */
  name(line: string, suggestion: string, fault: (name: string) => string | undefined): Promise<string | undefined>;
}

/** Before a token is used. undefined: the person wants none of it. */
export async function nameBefore(store: ContextStore, { gateway, pin, context }: Invitation, person: NameGiver): Promise<string | undefined> {
  const name = context ?? usualName(store, gateway.host, pin);
  const there = store.taken(name);
  if (there === undefined) return name;
  if (there.gateway.host !== gateway.host || there.via !== undefined) return otherName(store, `The context ${name} is of another gateway, ${described(there)}`, name, person);
  // Which port the gateway has, and for whom the token is, it tells only later.
  const chosen = await person.replaces(`There is a context ${name} already: ${described(there)}`);
  if (chosen === undefined || chosen === 'replace') return chosen === undefined ? undefined : name;
  return otherName(store, `The context ${name} stays ${described(there)}`, name, person);
}

/**
 * With the certificate here, and the token used: what the new context is called. A context of somebody else's, or of another gateway on the
 * same host, is not replaced, but one of this gateway and person, if there is one; who dismisses the question gets a name of ours.
 */
export async function nameAfter(store: ContextStore, name: string, now: { gateway: HostPort; user: string }, person: Pick<NameGiver, 'name'>): Promise<string> {
  const there = store.taken(name);
  if (there === undefined || isOf(there, now)) return name;
  const same = store.names().find((other) => isOf(store.taken(other), now));
  if (same !== undefined) return same; // enrolled again
  const line = `You are ${described(now)} now; the context ${name} is ${described(there)}, and stays`;
  const given = await otherName(store, line, name, person);
  return given !== undefined && faultIn(store, given) === undefined ? given : freeName(store, name);
}

// Of several gateways on one host the one with that CA, else what the host says.
function usualName(store: ContextStore, host: string, pin: string): string {
  const known = store.names().filter((name) => {
    const there = store.taken(name);
    return there?.gateway.host === host && there.via === undefined && there.pin === pin;
  });
  const usual = nameFor(host);
  return known.includes(usual) ? usual : (known[0] ?? usual);
}

const isOf = (there: Taken | undefined, now: { gateway: HostPort; user: string }): boolean => there?.via === undefined && there?.user === now.user && addressText(there.gateway) === addressText(now.gateway);

function otherName(store: ContextStore, line: string, name: string, person: Pick<NameGiver, 'name'>): Promise<string | undefined> {
  return person.name(line, freeName(store, name), (given) => faultIn(store, given));
}

function faultIn(store: ContextStore, name: string): string | undefined {
  if (!goodName(name)) return 'A context is named by 1 to 64 letters, digits, hyphens, dots and underscores';
  return store.names().includes(name) ? `There is a context ${name} already` : undefined;
}

export function freeName(store: ContextStore, name: string): string {
  const names = store.names();
  for (let number = 2; ; number++) {
    const free = `${name.slice(0, 56)}-${String(number)}`;
    if (!names.includes(free)) return free;
  }
}

const described = ({ gateway, user, via }: Omit<Taken, 'user'> & { user?: string | undefined }): string => `${user ?? 'somebody'} at ${addressText(gateway)}${via === undefined ? '' : ` by ${via}`}`;
