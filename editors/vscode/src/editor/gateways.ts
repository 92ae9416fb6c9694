import * as vscode from 'vscode';

import { ControlApi } from '../core/api.js';
import type { Place } from '../core/dial.js';
import { ContextStore, type Context } from '../core/contexts.js';
import { renew, renewalIsDue } from '../core/enroll.js';
import { Questions } from '../core/questions.js';
import { Trouble } from '../core/trouble.js';
import type { Log } from './log.js';

const slotOf = (name: string): string => `passphrase/${name}`;

/** The gateways that are known here, and the certificates for them. */
export class Gateways {
  readonly store: ContextStore;
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changes.event;
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
    const kept = await this.secrets.get(slotOf(name));
    if (kept !== undefined) {
      try {
        return { gateway, identity: this.store.identity(name, kept) };
      } catch (error) {
        if (!(error instanceof Trouble) || error.code !== 'passphrase') throw error;
        await this.secrets.delete(slotOf(name)); // of an earlier key
      }
    }
    if (!asks) throw new Trouble('settings', `the key of ${name} has a passphrase: click here`, 'locked');
    await this.unlock(name);
    return { gateway, identity: this.store.identity(name, await this.secrets.get(slotOf(name))) };
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

  /** Renews what is late in its life; `delvegate connect` does it earlier. */
  async renewWhatIsDue(): Promise<void> {
    for (const name of this.store.names()) {
      try {
        const { notBefore, notAfter } = this.store.holder(name);
        const since = new Date(Math.max(notBefore.getTime(), Math.min(this.store.cameAt(name).getTime(), Date.now())));
        if (this.store.needsPassphrase(name) || !renewalIsDue(since, notAfter, this.context(name).renewUntil, this.chance)) continue;
        const was = this.store.client(name);
        const client = await renew(await this.place(name));
        if (this.store.replaceIdentity(name, was, client)) this.log.line(`the certificate of ${name} was renewed, until ${this.store.holder(name).notAfter.toISOString()}`);
      } catch (error) {
        this.log.trouble(`the certificate of ${name} was not renewed`, error);
      }
    }
  }
}
