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
