import * as vscode from 'vscode';

import type { Component } from '../core/report.js';
import { componentRow, detailRows, endingRow, type Row } from '../core/words.js';
import type { Gateways } from './gateways.js';
import type { Watch } from './watch.js';

export type Node = { kind: 'component'; context: string; component: Component } | { kind: 'row'; row: Row };

/** The view of components in the side bar of Run and Debug. Texts of others are labels, never Markdown. */
export class ComponentView implements vscode.TreeDataProvider<Node> {
  private readonly changes = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changes.event;

  constructor(
    private readonly watch: Watch,
    private readonly gateways: Gateways,
  ) {
    watch.onDidChange(() => {
      this.changes.fire();
    });
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) {
      return [...this.ending(), ...this.components()];
    }
    return node.kind === 'component' ? detailRows(node.component, this.watch.me).map((row) => ({ kind: 'row', row })) : [];
  }

  private ending(): Node[] {
    const one = this.gateways.endings.get(this.watch.context ?? '');
    return one === undefined ? [] : [{ kind: 'row', row: endingRow(one) }];
  }

  private components(): Node[] {
    const { context, trouble, locked } = this.watch;
    if (trouble !== undefined) return [rowOf('trouble', locked ? 'lock' : 'warning', trouble, locked ? 'delvegate.unlock' : undefined)];
    if (context !== undefined && this.watch.components.length === 0) return [rowOf('none', 'info', `${context}: no component for ${this.watch.me}`)];
    return context === undefined ? [] : this.watch.components.map((component) => ({ kind: 'component', context, component }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const row = node.kind === 'row' ? node.row : componentRow(node.component);
    const item = new vscode.TreeItem(row.label, node.kind === 'row' ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Expanded);
    item.id = row.id;
    if (row.description !== undefined) item.description = row.description;
    item.tooltip = row.tooltip ?? [row.label, row.description].filter((part) => part !== undefined).join('\n');
    item.iconPath = new vscode.ThemeIcon(row.icon);
    if (row.command !== undefined) item.command = { command: row.command, title: row.label };
    if (node.kind === 'component') item.contextValue = node.component.kind === 'launcher' ? 'component.launcher' : 'component';
    return item;
  }
}

function rowOf(id: string, icon: string, label: string, command?: string): Node {
  return { kind: 'row', row: { id, icon, label, ...(command === undefined ? {} : { command }) } };
}
