import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { X509Certificate } from 'node:crypto';

import { addressText, parseGateway, type HostPort } from './address.js';
import { certificates, encrypted, keys, pinOf, readKey, userOf, type Identity } from './pem.js';
import { lineOf, Trouble } from './trouble.js';

/** What this computer knows of a gateway that it enrolled with. */
export interface Context {
  name: string;
  gateway: HostPort;
  renewUntil: number; // seconds since the epoch
}

/** What a name stands for already. */
export interface Taken {
  gateway: HostPort;
  via?: string;
  user?: string; // where its certificate can be read
  pin?: string; // of its CA, where that can be read
}

export interface Holder {
  user: string;
  notBefore: Date;
  notAfter: Date;
}

/** Where `delvegate enroll` keeps contexts: $XDG_CONFIG_HOME/delvegate or ~/.config/delvegate. */
export function defaultDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const xdg = environment.XDG_CONFIG_HOME;
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'delvegate');
  return path.join(environment.HOME ?? os.homedir(), '.config', 'delvegate');
}

export function goodName(name: string): boolean {
  return /^[0-9A-Za-z_-][0-9A-Za-z._-]{0,63}$/.test(name);
}

export function nameFor(host: string): string {
  const name = host.slice(0, 64).replace(/[^0-9A-Za-z._-]/g, '-').replace(/^\.+/, '');
  return name === '' ? 'gateway' : name;
}

/**
 * The contexts directory, in the layout of docs/certificates.md, which `delvegate` and this extension share. Directories have mode
 * 0700 and files 0600; a file changes by one rename, so that whoever reads sees the old one or the new one.
 */
export class ContextStore {
  constructor(readonly root: string = defaultDirectory()) {}

  /** Of a context that may not exist; a name that is a path is none, whatever a launch.json says. */
  directory(name: string): string {
    if (!goodName(name)) throw new Trouble('settings', `there is no context "${name}": that is no name of one`);
    return path.join(this.root, 'contexts', name);
  }

  /** Sorted. */
  names(): string[] {
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(path.join(this.root, 'contexts'), { withFileTypes: true });
    } catch {
      return [];
    }
    return entries
      .filter((entry) => entry.isDirectory() && goodName(entry.name))
      .map((entry) => entry.name)
      .sort();
  }

  read(name: string): Context {
    const file = goodName(name) ? path.join(this.directory(name), 'context.json') : undefined;
    if (file === undefined || !fs.existsSync(file)) {
      const known = this.names();
      throw new Trouble(
        'settings',
        `there is no context "${name}"; ` + (known.length === 0 ? 'enrol with a gateway first' : `those there are: ${known.join(', ')}`),
      );
    }
    const { gateway, renewUntil, via } = readRecord(file);
    if (via !== undefined) throw new Trouble('settings', `context ${name} goes by ${via}, which only \`delvegate connect\` can: use it with the Go extension (docs/connect.md)`);
    return { name, gateway, renewUntil };
  }

  /** undefined where there is none, or a damaged one, which enrolling again replaces. */
  taken(name: string): Taken | undefined {
    try {
      const { gateway, via } = readRecord(path.join(this.directory(name), 'context.json'));
      const user = unless(() => this.holder(name).user);
      const pin = unless(() => pinOf(new X509Certificate(this.text(name, 'ca.crt'))));
      return { gateway, ...(via === undefined ? {} : { via }), ...(user === undefined ? {} : { user }), ...(pin === undefined ? {} : { pin }) };
    } catch {
      return undefined;
    }
  }

  current(): string | undefined {
    try {
      const name = fs.readFileSync(path.join(this.root, 'current-context'), 'utf8').trimEnd();
      return goodName(name) ? name : undefined;
    } catch {
      return undefined;
    }
  }

  use(name: string): void {
    this.read(name);
    replaceFile(path.join(this.root, 'current-context'), name + '\n');
  }

  /** Whether the key of a context wants a passphrase (`delvegate enroll` makes keys that do not). */
  needsPassphrase(name: string): boolean {
    return keys(this.client(name)).some(encrypted);
  }

  identity(name: string, passphrase?: string): Identity {
    const client = this.client(name);
    const chain = certificates(client);
    const key = keys(client)[0];
    const file = path.join(this.directory(name), 'client.pem');
    if (chain.length === 0 || key === undefined) throw new Trouble('settings', `${file} has no certificate with a key; enrol again`);
    const ca = this.text(name, 'ca.crt');
    if (certificates(ca).length === 0) throw new Trouble('settings', `${path.join(this.directory(name), 'ca.crt')} has no certificate; enrol again`);
    try {
      return { certificate: chain.join(''), key: readKey(key, passphrase), ca };
    } catch (error) {
      if (encrypted(key)) throw new Trouble('settings', `the passphrase does not open the key in ${file}`, 'passphrase');
      throw new Trouble('settings', `the key in ${file} cannot be read: ${lineOf(error)}; enrol again`);
    }
  }

  /** Whose certificate it is, and for how long. */
  holder(name: string): Holder {
    const own = certificates(this.client(name))[0];
    if (own === undefined) throw new Trouble('settings', `the context ${name} has no certificate; enrol again`);
    const certificate = new X509Certificate(own);
    return { user: userOf(certificate), notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo) };
  }

  /** When the certificate came here: the signer dates certificates back a little. */
  cameAt(name: string): Date {
    return fs.statSync(path.join(this.directory(name), 'client.pem')).mtime;
  }

  /** What a renewal begins with, for replaceIdentity. */
  client(name: string): string {
    return this.text(name, 'client.pem');
  }

  /**
   * Only if it is still `was`: false, and nothing is changed, where `delvegate` or another window was first. No lock is held (Node has no
   * flock(2), which `delvegate connect` has): certificate and key are one file, and it is renamed whole. Of two that renew at the very same
   * time each has a certificate that is good, and one of them stays. Somebody who enrols meanwhile has exchanged the directory, and with it
   * what would be renamed: theirs stays.
   */
  replaceIdentity(name: string, was: string, client: string): boolean {
    return replaceFile(path.join(this.directory(name), 'client.pem'), client, () => this.client(name) === was);
  }

  /** A place for a new context, made before a gateway is asked: what this disk does not allow costs no token. */
  begin(): Draft {
    const contexts = path.join(this.root, 'contexts');
    try {
      fs.mkdirSync(contexts, { recursive: true, mode: 0o700 });
      if (process.platform !== 'win32') {
        const info = fs.statSync(contexts);
        if (info.uid !== process.geteuid?.()) throw new Error('it is not yours');
        if ((info.mode & 0o077) !== 0) fs.chmodSync(contexts, 0o700);
      }
      // The number is for `delvegate`, which sweeps drafts of processes that are gone.
      return new Draft(this.root, fs.mkdtempSync(path.join(contexts, `.new-${String(process.pid)}-`)));
    } catch (error) {
      throw new Trouble('settings', `cannot make a place for the context in ${contexts}: ${lineOf(error)}`);
    }
  }

  private text(name: string, file: string): string {
    const whole = path.join(this.directory(name), file);
    try {
      return fs.readFileSync(whole, 'utf8');
    } catch (error) {
      throw new Trouble('settings', `cannot read ${whole}: ${lineOf(error)}; enrol again`);
    }
  }
}

function unless<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readRecord(file: string): { gateway: HostPort; renewUntil: number; via?: string } {
  const damaged = new Trouble('settings', `${file} is damaged; enrol again`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    throw damaged;
  }
  if (typeof parsed !== 'object' || parsed === null) throw damaged;
  const { gateway, renewUntil, via } = parsed as { gateway?: unknown; renewUntil?: unknown; via?: unknown };
  const where = typeof gateway === 'string' ? parseGateway(gateway, 7443) : undefined;
  if (where === undefined) throw damaged;
  const direct = via === undefined || via === '' || via === 'direct';
  return { gateway: where, renewUntil: typeof renewUntil === 'number' ? renewUntil : 0, ...(direct ? {} : { via: typeof via === 'string' ? via : 'another host' }) };
}

export class Draft {
  constructor(
    private readonly root: string,
    private readonly place: string,
  ) {}

  /** Takes the place of a context of that name, and becomes the current one; why not, where only that fails. */
  commit(context: Context, client: string, ca: string): string | undefined {
    const target = path.join(this.root, 'contexts', context.name);
    const aside = this.place + '-old';
    try {
      replaceFile(path.join(this.place, 'client.pem'), client);
      replaceFile(path.join(this.place, 'ca.crt'), ca);
      const record = { gateway: addressText(context.gateway), renewUntil: context.renewUntil };
      replaceFile(path.join(this.place, 'context.json'), JSON.stringify(record) + '\n');
      const replaces = fs.existsSync(target);
      if (replaces) fs.renameSync(target, aside);
      try {
        fs.renameSync(this.place, target);
      } catch (error) {
        if (replaces) fs.renameSync(aside, target);
        throw error;
      }
    } catch (error) {
      throw new Trouble('settings', `cannot store the context in ${target}: ${lineOf(error)}`);
    }
    // It is stored, and the token is used: from here on nothing fails.
    try {
      fs.rmSync(aside, { recursive: true, force: true });
      replaceFile(path.join(this.root, 'current-context'), context.name + '\n');
      return undefined;
    } catch (error) {
      return `the context ${context.name} is stored, and is not the current one: ${lineOf(error)}`;
    }
  }

  /** Of a draft that was not committed nothing is left. */
  dispose(): void {
    fs.rmSync(this.place, { recursive: true, force: true });
  }
}

/** On the disk before it returns. `still` is asked when all but the rename is done; without its yes nothing is changed. */
function replaceFile(file: string, content: string, still = () => true): boolean {
  const beside = `${file}.${String(process.pid)}-${Math.random().toString(36).slice(2)}`;
  try {
    const fd = fs.openSync(beside, 'wx', 0o600);
    try {
      fs.writeFileSync(fd, content);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    if (still()) {
      fs.renameSync(beside, file);
      return true;
    }
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
  fs.rmSync(beside, { force: true });
  return false;
}
