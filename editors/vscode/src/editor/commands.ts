import * as vscode from 'vscode';

import type { BatonVerb, ControlApi, Order } from '../core/api.js';
import type { Component } from '../core/report.js';
import { contextOr, targetIn, targetOf, type Target } from '../core/target.js';
import { lineOf, Trouble } from '../core/trouble.js';
import { configurationFor, pickComponent } from './configurations.js';
import type { Gateways } from './gateways.js';
import { alarm, ask, during, inform } from './notices.js';
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
          await this.explain(error);
        }
      });
    const at = (name: string, title: string, act: (target: Target) => Promise<void>): vscode.Disposable =>
      on(name, async (argument) => {
        const target = await this.target(argument, title);
        if (target === undefined) return;
        try {
          await act(target);
        } catch (error) {
          await this.explain(error, target);
        }
      });
    const baton = (verb: BatonVerb): vscode.Disposable => at(`baton.${verb}`, 'Whose baton?', (target) => this.baton(verb, target));
    return [
      on('refresh', () => this.watch.refresh()),
      on('useContext', () => this.useContext()),
      on('debug', (argument) => this.debug(argument)),
      at('start', 'Which component is to be debugged?', (target) => this.start(target)),
      at('stop', 'Which component?', (target) => this.end('stop', target)),
      at('restore', 'Which component?', (target) => this.end('restore', target)),
      at('park', 'Which component is to stay stopped?', (target) => this.park(target)),
      at('unpark', 'Which component?', (target) => this.say(target, (api) => api.unpark(target.component))),
      at('arm', 'Which component is to be armed?', (target) => this.arm(target)),
      at('actions', 'Which component?', (target) => this.actions(target)),
      on('unlock', (argument) => this.unlock(argument)),
      on('forgetPassphrase', () => this.gateways.forgetPassphrases()),
      baton('ask'),
      baton('give'),
      baton('take'),
      baton('drop'),
    ];
  }

  /** What was handed over; else what the active session is about; else the person is asked. The context goes with the component. */
  private async target(argument: unknown, title: string): Promise<Target | undefined> {
    const running = vscode.debug.activeDebugSession;
    for (const from of [named(argument), running?.type === 'delvegate' ? running.configuration : undefined])
      if (targetIn(from) !== undefined) return targetOf(from, this.gateways.chosen);
    contextOr(this.gateways.chosen);
    return pickComponent(this.watch, title);
  }

  private async debug(argument: unknown): Promise<void> {
    const given = named(argument);
    const target = targetIn(given) === undefined ? await pickComponent(this.watch, 'What do you want to debug?') : targetOf(given, this.gateways.chosen);
    if (target !== undefined) await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configurationFor(target));
  }

  private async unlock(argument: unknown): Promise<void> {
    const context = (argument as { context?: unknown } | null | undefined)?.context;
    const name = typeof context === 'string' ? context : this.gateways.chosen;
    if (name !== undefined && this.gateways.store.needsPassphrase(name)) await this.gateways.unlock(name);
    await this.gateways.renewWhatIsDue(); // what its passphrase was missing for
  }

  private async useContext(): Promise<void> {
    const chosen = await vscode.window.showQuickPick(
      this.gateways.store.names().map((name) => ({ label: name, description: name === this.gateways.chosen ? 'shown now' : '' })),
      { title: 'Which gateway?' },
    );
    if (chosen !== undefined) await this.gateways.choose(chosen.label);
  }

  // --- the baton, and parked stops ---

  private async baton(verb: BatonVerb, target: Target): Promise<void> {
    const to = verb === 'give' ? await this.receiver(target) : undefined;
    if (verb === 'give' && to === undefined) return;
    await this.say(target, (api) => api.baton(target.component, verb, to));
  }

  // What the view shows may be another gateway's.
  private async look(target: Target): Promise<{ one: Component | undefined; me: string }> {
    await this.watch.refresh();
    if (target.context === this.watch.context) return { one: this.watch.find(target.component), me: this.watch.me };
    const all = await this.gateways.api(target.context).components();
    return { one: all.find((one) => one.name === target.component), me: this.gateways.user(target.context) };
  }

  private async receiver(target: Target): Promise<string | undefined> {
    const { one, me } = await this.look(target);
    const asking = one?.baton?.asking ?? [];
    const others = [...new Set([...asking, ...(one?.people ?? []).map((person) => person.user)])].filter((user) => user !== me);
    if (others.length === 0) throw new Trouble('refused', `nobody else is at ${target.component}`);
    const chosen = await vscode.window.showQuickPick(
      others.map((user) => ({ label: user, description: asking.includes(user) ? 'has asked' : '' })),
      { title: `Who is to have the baton of ${nameOf(target)}?` },
    );
    return chosen?.label;
  }

  private async park(target: Target): Promise<void> {
    const note = await vscode.window.showInputBox({ title: `Park the stop of ${nameOf(target)}`, prompt: 'Why, and for whom: everybody who comes is told.' });
    if (note === undefined || note.trim() === '') return;
    const time = await vscode.window.showInputBox({ title: 'For how long?', prompt: 'Such as 30m; empty: as long as the component allows.' });
    if (time === undefined) return;
    await this.say(target, (api) => api.park(target.component, note, time.trim() === '' ? undefined : time.trim()));
  }

  private async say(target: Target, act: (api: ControlApi) => Promise<string>): Promise<void> {
    void inform(await act(this.gateways.api(target.context)));
    await this.watch.refresh();
  }

  // --- its life ---

  private async start(target: Target): Promise<void> {
    const plan = (await this.gateways.api(target.context).plan(target.component)) as { hash?: unknown };
    const show = 'Show the Plan';
    const go = 'Start';
    for (;;) {
      const chosen = await ask(`Start ${nameOf(target)} under the debugger?`, 'It is taken out of its service and run under Delve, until it is stopped and put back.', go, show);
      if (chosen === undefined) return;
      if (chosen === go) break;
      const document = await vscode.workspace.openTextDocument({ language: 'json', content: JSON.stringify(plan, undefined, 2) });
      await vscode.window.showTextDocument(document, { preview: true });
    }
    // Only if what would be done is still what the person has seen.
    await this.order(target, 'start', typeof plan.hash === 'string' ? { plan: plan.hash } : undefined);
    const debug = 'Debug';
    if ((await inform(`${nameOf(target)} runs under the debugger.`, debug)) === debug) await this.debug(target);
  }

  private async end(order: 'stop' | 'restore', target: Target): Promise<void> {
    const words = order === 'stop' ? 'Stop and Put Back' : 'Restore';
    if ((await ask(`${words} ${nameOf(target)}?`, 'Every debug session there ends, and the component is put back as it was.', words)) !== words) return;
    await this.order(target, order, undefined);
    void inform(`${nameOf(target)} was put back.`);
  }

  private async order(target: Target, order: Order, body: object | undefined): Promise<void> {
    await during(`delvegate: ${order} ${nameOf(target)}`, (progress) => this.gateways.api(target.context).order(target.component, order, body, progress));
    await this.watch.refresh();
  }

  private async arm(target: Target): Promise<void> {
    const line = `sudo delvegate arm ${target.component} --for 2h`;
    await vscode.env.clipboard.writeText(line);
    void inform(`Arming is root's on the node of ${target.context}, for a time; the command is in the clipboard: ${line}`);
  }

  private async actions(target: Target): Promise<void> {
    const { one, me } = await this.look(target);
    const holder = one?.baton?.holder;
    const all: [string, string, boolean][] = [
      ['Ask for the Baton', 'baton.ask', holder !== me],
      ['Give the Baton…', 'baton.give', holder === me],
      ['Drop the Baton', 'baton.drop', holder === me],
      ['Take the Baton', 'baton.take', holder !== undefined && holder !== me],
      ['Park This Stop…', 'park', one?.state === 'stopped' && one.park === undefined],
      ['Go On from a Parked Stop', 'unpark', one?.park !== undefined],
      ['Stop and Put Back…', 'stop', one?.kind === 'launcher' && one.detached],
      ['Start…', 'start', one?.kind === 'launcher' && !one.detached],
      ['Show Components', 'components.focus', true],
    ];
    const chosen = await vscode.window.showQuickPick(
      all.filter(([, , fits]) => fits).map(([label, command]) => ({ label, command })),
      { title: nameOf(target) },
    );
    if (chosen !== undefined) await vscode.commands.executeCommand(`delvegate.${chosen.command}`, target);
  }

  // --- what goes wrong ---

  private async explain(error: unknown, target?: Target): Promise<void> {
    const line = lineOf(error);
    const unarmed = target !== undefined && error instanceof Trouble && error.code === 'refused' && /\barm/.test(line);
    const expired = error instanceof Trouble && error.kind === 'certificate';
    const button = unarmed ? 'Copy the Command That Arms It' : expired ? 'Enrol…' : undefined;
    const chosen = await alarm(target === undefined ? 'delvegate' : `delvegate: ${nameOf(target)}`, line, ...(button === undefined ? [] : [button]));
    if (chosen === undefined || chosen !== button) return;
    await vscode.commands.executeCommand(unarmed ? 'delvegate.arm' : 'delvegate.enroll', target);
  }
}

// Two gateways may have components of one name.
const nameOf = ({ context, component }: Target): string => `${component} of ${context}`;

// From a dialog's button or another command, a target; from the view, a node; from the palette nothing.
function named(argument: unknown): unknown {
  const node = argument as Partial<Node> | null | undefined;
  if (node?.kind !== 'component') return argument;
  const { context, component } = node as Extract<Node, { kind: 'component' }>;
  return { context, component: component.name };
}
