import * as vscode from 'vscode';

import { lineOf } from '../core/trouble.js';
import type { Gateways } from './gateways.js';
import { targetOf } from './session.js';
import type { Watch } from './watch.js';

export function configurationFor(component: string): vscode.DebugConfiguration {
  return { type: 'delvegate', request: 'attach', name: component, component };
}

/** Components appear by themselves in the list of what can be debugged. */
export class Configurations implements vscode.DebugConfigurationProvider {
  constructor(
    private readonly gateways: Gateways,
    private readonly watch: Watch,
  ) {}

  async provideDebugConfigurations(): Promise<vscode.DebugConfiguration[]> {
    await this.watch.refresh();
    return this.watch.components.map((one) => configurationFor(one.name));
  }

  /** Without a launch.json the person is asked which component. */
  async resolveDebugConfiguration(_folder: vscode.WorkspaceFolder | undefined, configuration: vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    // What F5 without a launch.json gives is empty, whatever its type says.
    if (((configuration as Partial<vscode.DebugConfiguration>).type ?? '') === '') {
      const component = await pickComponent(this.watch, 'What do you want to debug?');
      return component === undefined ? undefined : configurationFor(component);
    }
    try {
      targetOf(configuration, this.gateways);
    } catch (error) {
      const enrol = 'Enrol…';
      const chosen = await vscode.window.showErrorMessage(lineOf(error), { modal: true }, ...(this.gateways.chosen === undefined ? [enrol] : []));
      if (chosen === enrol) await vscode.commands.executeCommand('delvegate.enroll');
      return undefined;
    }
    return configuration;
  }
}

export async function pickComponent(watch: Watch, title: string): Promise<string | undefined> {
  await watch.refresh();
  if (watch.components.length === 0) {
    void vscode.window.showErrorMessage(watch.trouble ?? 'There is no component that you may see.');
    return undefined;
  }
  const chosen = await vscode.window.showQuickPick(
    watch.components.map((one) => ({ label: one.name, description: one.state.replace(/_/g, ' '), detail: one.position ?? one.detail ?? '' })),
    { title },
  );
  return chosen?.label;
}
