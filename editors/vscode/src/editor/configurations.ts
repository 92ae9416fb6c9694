import * as vscode from 'vscode';

import { begun, resolved, type Target } from '../core/target.js';
import { lineOf } from '../core/trouble.js';
import type { Gateways } from './gateways.js';
import { alarm, complain } from './notices.js';
import type { Watch } from './watch.js';

export function configurationFor({ context, component }: Target): vscode.DebugConfiguration {
  return { type: 'delvegate', request: 'attach', name: component, component, context };
}

/** Components appear by themselves in the list of what can be debugged. */
export class Configurations implements vscode.DebugConfigurationProvider {
  constructor(
    private readonly gateways: Gateways,
    private readonly watch: Watch,
  ) {}

  async provideDebugConfigurations(): Promise<vscode.DebugConfiguration[]> {
    await this.watch.refresh();
    const { context } = this.watch;
    return context === undefined ? [] : this.watch.components.map((one) => configurationFor({ context, component: one.name }));
  }

  /** Without a launch.json the person is asked which component. */
  async resolveDebugConfiguration(_folder: vscode.WorkspaceFolder | undefined, configuration: vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    // What F5 without a launch.json gives is empty, whatever its type says.
    if (((configuration as Partial<vscode.DebugConfiguration>).type ?? '') === '') {
      const target = await pickComponent(this.watch, 'What do you want to debug?');
      return target === undefined ? undefined : configurationFor(target);
    }
    return this.orTold(() => begun(configuration, this.gateways.chosen));
  }

  /**
   * What the session will have. A configuration without a context gets the one of now, which stays the session's own: for its commands, and
   * when it is attached again, whichever gateway the view shows by then.
   */
  resolveDebugConfigurationWithSubstitutedVariables(_folder: vscode.WorkspaceFolder | undefined, configuration: vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    return this.orTold(() => resolved(configuration, this.gateways.chosen));
  }

  private async orTold(read: () => vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    try {
      return read();
    } catch (error) {
      const enrol = 'Enrol…';
      const chosen = await alarm(lineOf(error), undefined, ...(this.gateways.chosen === undefined ? [enrol] : []));
      if (chosen === enrol) await vscode.commands.executeCommand('delvegate.enroll');
      return undefined;
    }
  }
}

export async function pickComponent(watch: Watch, title: string): Promise<Target | undefined> {
  await watch.refresh();
  const { context } = watch;
  if (context === undefined || watch.components.length === 0) {
    void complain(watch.trouble ?? 'There is no component that you may see.');
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(
    watch.components.map((one) => ({ label: one.name, description: one.state.replace(/_/g, ' '), detail: one.position ?? one.detail ?? '' })),
    { title },
  );
  return chosen === undefined ? undefined : { context, component: chosen.label };
}
