import * as vscode from 'vscode';

import { Pulse } from '../core/pulse.js';
import type { Component } from '../core/report.js';
import { lineOf, Trouble } from '../core/trouble.js';
import type { Gateways } from './gateways.js';

/** What is known of the chosen gateway's components, asked again and again while somebody looks. */
export class Watch implements vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changes.event;
  components: Component[] = [];
  trouble: string | undefined;
  locked = false; // the trouble is a passphrase that is wanted
  me = '';
  context: string | undefined;
  private readonly pulse = new Pulse(() => this.askChosen().finally(() => this.changes.fire()));
  private tellsSessions = true;

  constructor(private readonly gateways: Gateways) {
    gateways.onDidChange(() => {
      this.tellsSessions = true;
      void this.refresh();
    });
  }

  viewIs(visible: boolean): void {
    this.pulse.viewIs(visible);
  }
  sessionsAre(number: number): void {
    this.pulse.sessionsAre(number);
  }
  /** What the editor's debuggers stand at has changed: in a session of that type, if there is one. */
  moved(type: string | undefined): void {
    this.pulse.moved(type);
  }

  find(name: string): Component | undefined {
    return this.components.find((one) => one.name === name);
  }

  /** Asks now; of several that want that at once, the gateway is asked once. */
  refresh(): Promise<void> {
    return this.pulse.now();
  }

  dispose(): void {
    this.pulse.dispose();
    this.changes.dispose();
  }

  // Another may be chosen while one is asked.
  private async askChosen(): Promise<void> {
    do await this.ask();
    while (this.gateways.chosen !== this.context);
  }

  private async ask(): Promise<void> {
    const name = this.gateways.chosen;
    if (name !== this.context) this.components = []; // they are another gateway's
    this.context = name;
    void vscode.commands.executeCommand('setContext', 'delvegate.noContext', name === undefined);
    if (name === undefined) {
      this.components = [];
      this.trouble = undefined;
      return;
    }
    try {
      this.me = this.gateways.user(name);
      const api = this.gateways.api(name, false);
      const components = await api.components();
      // Who is here with role and IDE; older gateways tell only names.
      const people = this.tellsSessions ? await api.sessions() : undefined;
      if (people === undefined) this.tellsSessions = false;
      else for (const one of components) one.people = people.get(one.name) ?? one.people;
      this.components = components;
      this.trouble = undefined;
    } catch (error) {
      this.components = [];
      this.trouble = lineOf(error);
      this.locked = error instanceof Trouble && error.code === 'locked';
    }
  }
}
