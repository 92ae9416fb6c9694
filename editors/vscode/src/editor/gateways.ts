import * as vscode from 'vscode';

import { ControlApi } from '../core/api.js';
import type { Place } from '../core/dial.js';
import { ContextStore, type Context } from '../core/contexts.js';
import { renew } from '../core/enroll.js';
import { Questions } from '../core/questions.js';
import { careFor, type Ending } from '../core/renewal.js';
import { Trouble } from '../core/trouble.js';
import type { Log } from './log.js';

const slotOf = (name: string): string => `passphrase/${name}`;

/** The gateways that are known here, and the certificates for them. */
export class Gateways {
  readonly store: ContextStore;
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changes.event;
  /** Certificates that end soon and are not renewed, by their contexts. */
  endings: ReadonlyMap<string, Ending> = new Map();
  private readonly questions = new Questions();
  private readonly chance = Math.random(); // when, of several windows, this one renews

  constructor(
    private readonly secrets: vscode.SecretStorage,
    private readonly state: vscode.Memento,
    private readonly log: Log,
  ) {
    this.store = new ContextStore();
  }

  /** The context that the view shows; undefined: there is none. */
  get chosen(): string | undefined {
    const names = this.store.names();
    const here = this.state.get<string>('context');
    if (here !== undefined && names.includes(here)) return here;
    const current = this.store.current();
    return current !== undefined && names.includes(current) ? current : names[0];
  }

  async choose(name: string): Promise<void> {
    await this.state.update('context', name);
    this.changed();
  }

  changed(): void {
    this.changes.fire();
  }

  /** `asks`: whether the person may be asked for a passphrase now, because they have just done something. */
  api(name: string, asks = true): ControlApi {
    return new ControlApi(() => this.place(name, asks));
  }

  user(name: string): string {
    return this.store.holder(name).user;
  }

  context(name: string): Context {
    return this.store.read(name);
  }

  /** Where it is and as whom; the files are read anew each time. */
  async place(name: string, asks = true): Promise<Place> {
    const { gateway } = this.store.read(name);
    if (!this.store.needsPassphrase(name)) return { gateway, identity: this.store.identity(name) };
    const kept = await this.passphrase(name);
    if (kept !== undefined) return { gateway, identity: this.store.identity(name, kept) };
    if (!asks) throw new Trouble('settings', `the key of ${name} has a passphrase: click here`, 'locked');
    await this.unlock(name);
    return { gateway, identity: this.store.identity(name, await this.secrets.get(slotOf(name))) };
  }

  /** The one that is stored, where it opens the key. */
  private async passphrase(name: string): Promise<string | undefined> {
    const kept = await this.secrets.get(slotOf(name));
    if (kept === undefined) return undefined;
    try {
      this.store.identity(name, kept);
      return kept;
    } catch (error) {
      if (!(error instanceof Trouble) || error.code !== 'passphrase') throw error;
      await this.secrets.delete(slotOf(name)); // of an earlier key
      return undefined;
    }
  }

  /** Asks for the passphrase of a key; of several that want that of one key at once, the person is asked once. */
  unlock(name: string): Promise<void> {
    return this.questions.ask(name, () => this.askPassphrase(name));
  }

  private async askPassphrase(name: string): Promise<void> {
    const passphrase = await vscode.window.showInputBox({
      title: `delvegate: the key of ${name}`,
      prompt: 'Its passphrase; it is kept in the secret storage of this editor.',
      password: true,
      ignoreFocusOut: true,
    });
    if (passphrase === undefined) throw new Trouble('settings', `the key of ${name} has a passphrase, and none was given`);
    this.store.identity(name, passphrase); // throws where it does not fit
    await this.secrets.store(slotOf(name), passphrase);
    this.changed();
  }

  async forgetPassphrases(): Promise<void> {
    for (const name of this.store.names()) await this.secrets.delete(slotOf(name));
    this.changed();
  }

  /** Renews what is late in its life; `delvegate connect` does it earlier, and alone where it has a way of its own. */
  async renewWhatIsDue(): Promise<void> {
    const endings = new Map<string, Ending>();
    for (const name of this.store.names()) {
      try {
        if (this.store.taken(name)?.via !== undefined) continue;
        const was = this.store.client(name);
        const passphrase = this.store.needsPassphrase(name) ? await this.passphrase(name) : undefined;
        const locked = passphrase === undefined && this.store.needsPassphrase(name);
        const care = careFor({ name, ...this.store.holder(name), cameAt: this.store.cameAt(name), renewUntil: this.context(name).renewUntil, locked }, this.chance);
        if (care.ending !== undefined) endings.set(name, care.ending);
        if (!care.renew) continue;
        const client = await renew(await this.place(name, false), passphrase);
        if (this.store.replaceIdentity(name, was, client)) this.log.line(`the certificate of ${name} was renewed, until ${this.store.holder(name).notAfter.toISOString()}`);
      } catch (error) {
        this.log.trouble(`the certificate of ${name} was not renewed`, error);
      }
    }
    const lines = (all: ReadonlyMap<string, Ending>): string => [...all.values()].map((one) => one.line).join();
    const news = lines(endings) !== lines(this.endings);
    this.endings = endings;
    if (news) this.changed();
  }
}
