import * as vscode from 'vscode';

import { toAttachAgain, withoutInternals, type Remembered } from '../core/remember.js';

const slot = 'sessions';
const lookEvery = 10_000;
// A session that ends because the window goes takes this host along, though a busy computer takes its time over that; one that a
// person ends does not. The two look alike from here.
const afterAnEnd = 10_000;

/** A window that is reloaded, or whose extension host died, attaches to its components again. */
export class Reattach implements vscode.Disposable {
  private readonly sessions = new Map<string, Remembered>();
  private readonly ending = new Map<string, NodeJS.Timeout>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly state: vscode.Memento) {
    this.timer = setInterval(() => {
      if (this.sessions.size === 0) return;
      for (const [id, one] of this.sessions) if (!this.ending.has(id)) one.seen = Date.now();
      this.save();
    }, lookEvery);
  }

  /** Once, when the extension starts. */
  async begin(): Promise<void> {
    const before = toAttachAgain(this.state.get(slot), Date.now());
    await this.state.update(slot, undefined);
    for (const one of before) {
      const folder = vscode.workspace.workspaceFolders?.find((each) => each.uri.toString() === one.folder);
      await vscode.debug.startDebugging(folder, one.configuration as vscode.DebugConfiguration);
    }
  }

  started(session: vscode.DebugSession): void {
    const folder = session.workspaceFolder?.uri.toString();
    this.sessions.set(session.id, {
      key: session.id,
      configuration: withoutInternals(session.configuration),
      ...(folder === undefined ? {} : { folder }),
      seen: Date.now(),
    });
    this.save();
  }

  ended(session: vscode.DebugSession): void {
    const one = this.sessions.get(session.id);
    if (one === undefined) return;
    one.seen = Date.now();
    this.save();
    this.ending.set(
      session.id,
      setTimeout(() => {
        this.ending.delete(session.id);
        this.sessions.delete(session.id);
        this.save();
      }, afterAnEnd),
    );
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const timer of this.ending.values()) clearTimeout(timer);
  }

  private save(): void {
    void this.state.update(slot, [...this.sessions.values()]);
  }
}
