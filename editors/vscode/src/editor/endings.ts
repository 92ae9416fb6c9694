import * as vscode from 'vscode';

import { untold, type Ending } from '../core/renewal.js';
import type { Gateways } from './gateways.js';
import { warn } from './notices.js';

/** Keeps certificates alive, and tells of those that end. */
export class Endings {
  constructor(
    private readonly gateways: Gateways,
    private readonly state: vscode.Memento,
  ) {}

  async look(): Promise<void> {
    await this.gateways.renewWhatIsDue();
    for (const one of await untold(this.gateways.endings.values(), this.state)) void this.tell(one);
  }

  private async tell(one: Ending): Promise<void> {
    const [unlock, enrol] = ['Give the Passphrase', 'Enrol…'];
    const chosen = await warn(`delvegate: ${one.line}.`, ...(one.locked ? [unlock] : []), enrol);
    if (chosen === enrol) await vscode.commands.executeCommand('delvegate.enroll');
    if (chosen === unlock) await vscode.commands.executeCommand('delvegate.unlock', { context: one.name });
  }
}
