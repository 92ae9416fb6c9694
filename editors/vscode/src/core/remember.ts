/** A session that was there when the window was reloaded, and is to be there again. */
export interface Remembered {
  key: string;
  configuration: Record<string, unknown>;
  folder?: string;
  seen: number; // milliseconds since the epoch, when it was last known to be there
}

/** Whoever comes back later has closed the window, and means something else. */
export const reloadTime = 5 * 60_000;

/** Of what was remembered, what is to be attached to again. */
export function toAttachAgain(all: unknown, now: number): Remembered[] {
  if (!Array.isArray(all)) return [];
  return (all as unknown[]).filter((one): one is Remembered => {
    if (typeof one !== 'object' || one === null) return false;
    const { key, configuration, folder, seen } = one as Partial<Record<keyof Remembered, unknown>>;
    if (typeof key !== 'string' || typeof seen !== 'number' || now - seen < 0 || now - seen > reloadTime) return false;
    if (folder !== undefined && typeof folder !== 'string') return false;
    return typeof configuration === 'object' && configuration !== null && (configuration as { type?: unknown }).type === 'delvegate';
  });
}

/** Without what the editor adds for itself. */
export function withoutInternals(configuration: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(configuration).filter(([name]) => !name.startsWith('__')));
}

// A session that ends because the window goes takes this host along, though a busy computer takes its time over that; one that a
// person ends does not. The two look alike from here.
const afterAnEnd = 10_000;
const lookEvery = 10_000;

/** The sessions that are there, stored at each change and now and then, for whoever comes after a reload. */
export class Memory {
  private readonly sessions = new Map<string, Remembered>();
  private readonly ending = new Map<string, NodeJS.Timeout>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly store: (all: Remembered[]) => void) {
    this.timer = setInterval(() => {
      if (this.sessions.size === 0) return;
      for (const [id, one] of this.sessions) if (!this.ending.has(id)) one.seen = Date.now();
      this.save();
    }, lookEvery);
  }

  /** `id` may be one that has ended: the editor's Restart begins the same session again. */
  started(id: string, configuration: Record<string, unknown>, folder: string | undefined): void {
    clearTimeout(this.ending.get(id));
    this.ending.delete(id);
    this.sessions.set(id, { key: id, configuration: withoutInternals(configuration), ...(folder === undefined ? {} : { folder }), seen: Date.now() });
    this.save();
  }

  /** It is remembered a little longer. */
  ended(id: string): void {
    const one = this.sessions.get(id);
    if (one === undefined) return;
    one.seen = Date.now();
    this.save();
    clearTimeout(this.ending.get(id));
    this.ending.set(
      id,
      setTimeout(() => {
        this.ending.delete(id);
        this.sessions.delete(id);
        this.save();
      }, afterAnEnd),
    );
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const timer of this.ending.values()) clearTimeout(timer);
  }

  private save(): void {
    this.store([...this.sessions.values()]);
  }
}
