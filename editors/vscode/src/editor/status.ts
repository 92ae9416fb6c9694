import * as vscode from 'vscode';

import { statusText } from '../core/words.js';
import type { Watch } from './watch.js';

/** The status bar's entry, while a session of ours is the active one. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('delvegate.session', vscode.StatusBarAlignment.Left, 50);

  constructor(private readonly watch: Watch) {
    this.item.name = 'delvegate';
    this.item.command = 'delvegate.actions';
    watch.onDidChange(() => {
      this.show();
    });
    vscode.debug.onDidChangeActiveDebugSession(() => {
      this.show();
    });
  }

  dispose(): void {
    this.item.dispose();
  }

  private show(): void {
    const session = vscode.debug.activeDebugSession;
    const name: unknown = session?.type === 'delvegate' ? session.configuration.component : undefined;
    if (typeof name !== 'string') return this.item.hide();
    const context: unknown = session?.configuration.context ?? this.watch.context;
    const watched = context === this.watch.context; // the view shows one gateway at a time
    const one = watched ? this.watch.find(name) : undefined;
    const trouble = watched && this.watch.trouble !== undefined ? `: ${this.watch.trouble}` : '';
    // `$(…)` would be an icon of somebody else's choice.
    const text = one === undefined ? name + trouble : statusText(one, this.watch.me);
    this.item.text = `$(debug-alt) ${text.replace(/\$\(/g, '$ (')}`;
    this.item.tooltip = one?.position ?? text;
    const urgent = one?.budget?.breakpointsOff === true || (one?.baton?.holder === this.watch.me && one.baton.asking.length > 0);
    this.item.backgroundColor = urgent ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.show();
  }
}
