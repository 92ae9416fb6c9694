import { utc } from './dial.js';
import { renewable, renewalIsDue } from './enroll.js';

export interface Certificate {
  name: string; // of its context
  notBefore: Date;
  cameAt: Date; // the signer dates certificates back a little
  notAfter: Date;
  renewUntil: number; // seconds since the epoch; 0: for ever
  locked: boolean; // its key has a passphrase, and none is stored
}

/** What a person is told of a certificate that ends soon, and that is not renewed. */
export interface Ending {
  name: string;
  notAfter: Date;
  line: string;
  /** Giving the passphrase would help. */
  locked: boolean;
}

/** What is to be done about a certificate now. `chance`: see renewalIsDue. */
export function careFor(one: Certificate, chance: number, now = new Date()): { renew: boolean; ending?: Ending } {
  const since = new Date(Math.max(one.notBefore.getTime(), Math.min(one.cameAt.getTime(), now.getTime())));
  const renew = !one.locked && renewalIsDue(since, one.notAfter, one.renewUntil, chance, now);
  // As `delvegate context list` warns. Of one that has ended whoever dials is told.
  const lastTenth = one.notAfter.getTime() - (one.notAfter.getTime() - one.notBefore.getTime()) / 10;
  if (now.getTime() < lastTenth || now >= one.notAfter) return { renew };
  const over = !renewable(one.notAfter, one.renewUntil, now);
  if (!over && !one.locked) return { renew };
  const why = over ? 'cannot be renewed any more; enrol again' : 'is not renewed, as its key has a passphrase that is not stored here; give it, or enrol again';
  return { renew, ending: { name: one.name, notAfter: one.notAfter, line: `the certificate of ${one.name} ends on ${utc(one.notAfter)} and ${why}`, locked: !over } };
}

/** What remembers across windows; VS Code's Memento. */
export interface Notebook {
  get(slot: string): unknown;
  update(slot: string, value: unknown): PromiseLike<void>;
}

/** Those that the person has not been told of yet, and is by whoever calls this: of each certificate once. */
export async function untold(endings: Iterable<Ending>, notebook: Notebook): Promise<Ending[]> {
  const out: Ending[] = [];
  for (const one of endings) {
    const slot = `told/${one.name}`;
    const what = one.notAfter.toISOString();
    if (notebook.get(slot) === what) continue;
    out.push(one);
    await notebook.update(slot, what);
  }
  return out;
}
