import * as vscode from 'vscode';

import { localSources } from '../core/checkout.js';
import { targetOf } from '../core/target.js';
import { lineOf } from '../core/trouble.js';
import { Commands } from './commands.js';
import { Configurations } from './configurations.js';
import { Endings } from './endings.js';
import { enrolment } from './enrolment.js';
import { Gateways } from './gateways.js';
import { Log } from './log.js';
import { Reattach } from './reattach.js';
import { GatewaySession } from './session.js';
import { StatusBar } from './status.js';
import { ComponentView } from './view.js';
import { Watch } from './watch.js';

const renewalLook = 60_000;

export function activate(context: vscode.ExtensionContext): void {
  const channel = vscode.window.createOutputChannel('delvegate', { log: true });
  const log = new Log(channel);
  const gateways = new Gateways(context.secrets, context.workspaceState, log);
  const watch = new Watch(gateways);
  const configurations = new Configurations(gateways, watch);
  const reattach = new Reattach(context.workspaceState);
  const view = vscode.window.createTreeView('delvegate.components', { treeDataProvider: new ComponentView(watch, gateways) });

  const ours = new Set<string>();
  const counted = (session: vscode.DebugSession, here: boolean): void => {
    if (session.type !== 'delvegate') return;
    if (here) {
      ours.add(session.id);
      reattach.started(session);
    } else {
      ours.delete(session.id);
      reattach.ended(session);
    }
    watch.sessionsAre(ours.size);
  };

  const endings = new Endings(gateways, context.globalState);
  const renewal = setInterval(() => void endings.look(), renewalLook);
  context.subscriptions.push(
    channel,
    watch,
    view,
    reattach,
    new StatusBar(watch),
    ...new Commands(gateways, watch).register(),
    new vscode.Disposable(() => clearInterval(renewal)),
    view.onDidChangeVisibility(({ visible }) => watch.viewIs(visible)),
    vscode.commands.registerCommand('delvegate.enroll', () => enrolment(gateways, log)),
    vscode.debug.registerDebugConfigurationProvider('delvegate', configurations, vscode.DebugConfigurationProviderTriggerKind.Initial),
    vscode.debug.registerDebugConfigurationProvider('delvegate', { provideDebugConfigurations: () => configurations.provideDebugConfigurations() }, vscode.DebugConfigurationProviderTriggerKind.Dynamic),
    vscode.debug.registerDebugAdapterDescriptorFactory('delvegate', {
      createDebugAdapterDescriptor: async (session) => {
        const sources = await localSources(foldersOf(session));
        return new vscode.DebugAdapterInlineImplementation(new GatewaySession(targetOf(session.configuration, gateways.chosen), session.configuration, sources, gateways, log));
      },
    }),
    vscode.debug.onDidStartDebugSession((session) => counted(session, true)),
    vscode.debug.onDidTerminateDebugSession((session) => counted(session, false)),
    // A stop, a step, a program that goes on: the last one has no item.
    vscode.debug.onDidChangeActiveStackItem((item) => watch.moved((item?.session ?? vscode.debug.activeDebugSession)?.type)),
  );
  watch.viewIs(view.visible);
  void endings.look();
  reattach.begin().catch((error: unknown) => log.line(`not attached again: ${lineOf(error)}`));
}

/** The session's own first. */
function foldersOf(session: vscode.DebugSession): string[] {
  const all = [session.workspaceFolder, ...(vscode.workspace.workspaceFolders ?? [])];
  return [...new Set(all.flatMap((folder) => (folder?.uri.scheme === 'file' ? [folder.uri.fsPath] : [])))];
}
