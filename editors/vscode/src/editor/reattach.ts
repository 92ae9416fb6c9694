import * as vscode from 'vscode';

import { Memory, toAttachAgain } from '../core/remember.js';

const slot = 'sessions';

/** A window that is reloaded, or whose extension host died, attaches to its components again. */
export class Reattach implements vscode.Disposable {
  private readonly memory: Memory;

  constructor(private readonly state: vscode.Memento) {
    this.memory = new Memory((all) => void state.update(slot, all));
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
    this.memory.started(session.id, session.configuration, session.workspaceFolder?.uri.toString());
  }

  ended(session: vscode.DebugSession): void {
    this.memory.ended(session.id);
  }

  dispose(): void {
    this.memory.dispose();
  }
}
