import * as vscode from 'vscode';

import type { BatonVerb, ControlApi, Order } from '../core/api.js';
import { lineOf, printable, Trouble } from '../core/trouble.js';
import { configurationFor, pickComponent } from './configurations.js';
import type { Gateways } from './gateways.js';
import type { Target } from './session.js';
import type { Node } from './view.js';
import type { Watch } from './watch.js';

/** What a person does with a component: from the view, a dialog's button, the status bar or the command palette. */
export class Commands {
  constructor(
    private readonly gateways: Gateways,
    private readonly watch: Watch,
  ) {}

  register(): vscode.Disposable[] {
    const on = (name: string, act: (argument: unknown) => Promise<void>): vscode.Disposable =>
      vscode.commands.registerCommand(`delvegate.${name}`, async (argument: unknown) => {
        try {
          await act(argument);
        } catch (error) {
          await this.explain(error, argument);
        }
      });
    const baton = (verb: BatonVerb): vscode.Disposable => on(`baton.${verb}`, (argument) => this.baton(verb, argument));
    return [
      on('refresh', () => this.watch.refresh()),
      on('useContext', () => this.useContext()),
      on('debug', (argument) => this.debug(argument)),
      on('start', (argument) => this.start(argument)),
      on('stop', (argument) => this.end('stop', argument)),
      on('restore', (argument) => this.end('restore', argument)),
      on('park', (argument) => this.park(argument)),
      on('unpark', (argument) => this.say(argument, (api, component) => api.unpark(component))),
      on('arm', (argument) => this.arm(argument)),
      on('actions', (argument) => this.actions(argument)),
      on('unlock', () => this.unlock()),
      on('forgetPassphrase', () => this.gateways.forgetPassphrases()),
      baton('ask'),
      baton('give'),
      baton('take'),
      baton('drop'),
    ];
  }

  private async target(argument: unknown, title: string): Promise<Target | undefined> {
    const given = targetIn(argument);
    const running = vscode.debug.activeDebugSession;
    const active = given === undefined && running?.type === 'delvegate' ? targetIn(running.configuration) : undefined;
    const context = given?.context ?? active?.context ?? this.gateways.chosen;
    if (context === undefined) throw new Trouble('settings', 'no gateway is known here: run the command "delvegate: Enrol with a Gateway"');
    const component = given?.component ?? active?.component ?? (await pickComponent(this.watch, title));
    return component === undefined ? undefined : { context, component };
  }

  private async debug(argument: unknown): Promise<void> {
    const given = targetIn(argument);
    const component = given?.component ?? (await pickComponent(this.watch, 'What do you want to debug?'));
    if (component === undefined) return;
    const context = given?.context === undefined ? {} : { context: given.context };
    await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], { ...configurationFor(component), ...context });
  }

  private async unlock(): Promise<void> {
    if (this.gateways.chosen !== undefined && this.gateways.store.needsPassphrase(this.gateways.chosen)) await this.gateways.unlock(this.gateways.chosen);
  }

  private async useContext(): Promise<void> {
    const chosen = await vscode.window.showQuickPick(
      this.gateways.store.names().map((name) => ({ label: name, description: name === this.gateways.chosen ? 'shown now' : '' })),
      { title: 'Which gateway?' },
    );
    if (chosen !== undefined) await this.gateways.choose(chosen.label);
  }

  // --- the baton, and parked stops ---

  private async baton(verb: BatonVerb, argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Whose baton?');
    if (target === undefined) return;
    const to = verb === 'give' ? await this.receiver(target.component) : undefined;
    if (verb === 'give' && to === undefined) return;
    await this.say(target, (api, component) => api.baton(component, verb, to));
  }

  private async receiver(component: string): Promise<string | undefined> {
    await this.watch.refresh();
    const one = this.watch.find(component);
    const asking = one?.baton?.asking ?? [];
    const others = [...new Set([...asking, ...(one?.people ?? []).map((person) => person.user)])].filter((user) => user !== this.watch.me);
    if (others.length === 0) throw new Trouble('refused', `nobody else is at ${component}`);
    const chosen = await vscode.window.showQuickPick(
      others.map((user) => ({ label: user, description: asking.includes(user) ? 'has asked' : '' })),
      { title: `Who is to have the baton of ${component}?` },
    );
    return chosen?.label;
  }

  private async park(argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Which component is to stay stopped?');
    if (target === undefined) return;
    const note = await vscode.window.showInputBox({ title: `Park the stop of ${target.component}`, prompt: 'Why, and for whom: everybody who comes is told.' });
    if (note === undefined || note.trim() === '') return;
    const time = await vscode.window.showInputBox({ title: 'For how long?', prompt: 'Such as 30m; empty: as long as the component allows.' });
    if (time === undefined) return;
    await this.say(target, (api, component) => api.park(component, note, time.trim() === '' ? undefined : time.trim()));
  }

  private async say(argument: unknown, act: (api: ControlApi, component: string) => Promise<string>): Promise<void> {
    const target = await this.target(argument, 'Which component?');
    if (target === undefined) return;
    const line = await act(this.gateways.api(target.context), target.component);
    void vscode.window.showInformationMessage(line);
    await this.watch.refresh();
  }

  // --- its life ---

  private async start(argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Which component is to be debugged?');
    if (target === undefined) return;
    const plan = (await this.gateways.api(target.context).plan(target.component)) as { hash?: unknown };
    const show = 'Show the Plan';
    const go = 'Start';
    for (;;) {
      const chosen = await vscode.window.showWarningMessage(
        `Start ${target.component} under the debugger?`,
        { modal: true, detail: 'It is taken out of its service and run under Delve, until it is stopped and put back.' },
        go,
        show,
      );
      if (chosen === undefined) return;
      if (chosen === go) break;
      const document = await vscode.workspace.openTextDocument({ language: 'json', content: JSON.stringify(plan, undefined, 2) });
      await vscode.window.showTextDocument(document, { preview: true });
    }
    // Only if what would be done is still what the person has seen.
    await this.order(target, 'start', typeof plan.hash === 'string' ? { plan: plan.hash } : undefined);
    const debug = 'Debug';
    if ((await vscode.window.showInformationMessage(`${target.component} runs under the debugger.`, debug)) === debug) await this.debug(target);
  }

  private async end(order: 'stop' | 'restore', argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Which component?');
    if (target === undefined) return;
    const words = order === 'stop' ? 'Stop and Put Back' : 'Restore';
    const detail = 'Every debug session there ends, and the component is put back as it was.';
    if ((await vscode.window.showWarningMessage(`${words} ${target.component}?`, { modal: true, detail }, words)) !== words) return;
    await this.order(target, order, undefined);
    void vscode.window.showInformationMessage(`${target.component} was put back.`);
  }

  private async order(target: Target, order: Order, body: object | undefined): Promise<void> {
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: `delvegate: ${order} ${target.component}` }, async (progress) => {
      await this.gateways.api(target.context).order(target.component, order, body, (message) => {
        progress.report({ message });
      });
    });
    await this.watch.refresh();
  }

  private async arm(argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Which component is to be armed?');
    if (target === undefined) return;
    const line = `sudo delvegate arm ${target.component} --for 2h`;
    await vscode.env.clipboard.writeText(line);
    void vscode.window.showInformationMessage(`Arming is root's on the node, for a time; the command is in the clipboard: ${line}`);
  }

  private async actions(argument: unknown): Promise<void> {
    const target = await this.target(argument, 'Which component?');
    if (target === undefined) return;
    const one = this.watch.find(target.component);
    const all: [string, string, boolean][] = [
      ['Ask for the Baton', 'baton.ask', one?.baton?.holder !== this.watch.me],
      ['Give the Baton…', 'baton.give', one?.baton?.holder === this.watch.me],
      ['Drop the Baton', 'baton.drop', one?.baton?.holder === this.watch.me],
      ['Take the Baton', 'baton.take', one?.baton?.holder !== undefined && one.baton.holder !== this.watch.me],
      ['Park This Stop…', 'park', one?.state === 'stopped' && one.park === undefined],
      ['Go On from a Parked Stop', 'unpark', one?.park !== undefined],
      ['Stop and Put Back…', 'stop', one?.kind === 'launcher' && one.detached],
      ['Start…', 'start', one?.kind === 'launcher' && !one.detached],
      ['Show Components', 'components.focus', true],
    ];
    const chosen = await vscode.window.showQuickPick(
      all.filter(([, , fits]) => fits).map(([label, command]) => ({ label, command })),
      { title: target.component },
    );
    if (chosen !== undefined) await vscode.commands.executeCommand(`delvegate.${chosen.command}`, target);
  }

  // --- what goes wrong ---

  private async explain(error: unknown, argument: unknown): Promise<void> {
    const line = lineOf(error);
    const unarmed = error instanceof Trouble && error.code === 'refused' && /\barm/.test(line);
    const expired = error instanceof Trouble && error.kind === 'certificate';
    const button = unarmed ? 'Copy the Command That Arms It' : expired ? 'Enrol…' : undefined;
    const chosen = await vscode.window.showErrorMessage('delvegate', { modal: true, detail: line }, ...(button === undefined ? [] : [button]));
    if (chosen === undefined || chosen !== button) return;
    await vscode.commands.executeCommand(unarmed ? 'delvegate.arm' : 'delvegate.enroll', targetIn(argument));
  }
}

// From a dialog's button or another command; from the view, a node; from the palette nothing.
function targetIn(argument: unknown): Partial<Target> | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  const node = argument as Partial<Node> & Record<string, unknown>;
  if (node.kind === 'component' && 'component' in argument) {
    const { component } = argument as { component: { name: string } };
    return { component: component.name };
  }
  const { context, component } = node as Record<string, unknown>;
  if (typeof component !== 'string') return undefined;
  return { component: printable(component), ...(typeof context === 'string' ? { context } : {}) };
}
