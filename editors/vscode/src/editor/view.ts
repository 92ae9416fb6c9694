import * as vscode from 'vscode';

import type { Component } from '../core/report.js';
import { componentRow, detailRows, type Row } from '../core/words.js';
import type { Watch } from './watch.js';

export type Node = { kind: 'component'; context: string; component: Component } | { kind: 'row'; row: Row };

/** The view of components in the side bar of Run and Debug. Texts of others are labels, never Markdown. */
export class ComponentView implements vscode.TreeDataProvider<Node> {
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changes.event;

  constructor(private readonly watch: Watch) {
    watch.onDidChange(() => {
      this.changes.fire();
    });
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) {
      if (this.watch.trouble !== undefined) return [rowOf('trouble', this.watch.locked ? 'lock' : 'warning', this.watch.trouble)];
      if (this.watch.context !== undefined && this.watch.components.length === 0) return [rowOf('none', 'info', `${this.watch.context}: no component for ${this.watch.me}`)];
      const { context } = this.watch;
      return context === undefined ? [] : this.watch.components.map((component) => ({ kind: 'component', context, component }));
    }
    return node.kind === 'component' ? detailRows(node.component, this.watch.me).map((row) => ({ kind: 'row', row })) : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const row = node.kind === 'row' ? node.row : componentRow(node.component);
    const item = new vscode.TreeItem(row.label, node.kind === 'row' ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Expanded);
    item.id = row.id;
    if (row.description !== undefined) item.description = row.description;
    item.tooltip = row.tooltip ?? [row.label, row.description].filter((part) => part !== undefined).join('\n');
    item.iconPath = new vscode.ThemeIcon(row.icon);
    if (row.icon === 'lock') item.command = { command: 'delvegate.unlock', title: 'Unlock' };
    if (node.kind === 'component') item.contextValue = node.component.kind === 'launcher' ? 'component.launcher' : 'component';
    return item;
  }
}

function rowOf(id: string, icon: string, label: string): Node {
  return { kind: 'row', row: { id, icon, label } };
}
