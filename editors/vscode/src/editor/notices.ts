import * as vscode from 'vscode';

import { printable } from '../core/trouble.js';

// In notifications VS Code makes links, which may call commands, of [words](command:…): names of components, people and contexts are
// others', and a line is put together of several. So nothing else calls VS Code's own (eslint.config.mjs).

export function inform(line: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showInformationMessage(printable(line), ...buttons);
}

export function warn(line: string, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showWarningMessage(printable(line), ...buttons);
}

export function complain(line: string): Thenable<string | undefined> {
  return vscode.window.showErrorMessage(printable(line));
}

/** A dialog that waits for its answer. */
export function ask(line: string, detail: string | undefined, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showWarningMessage(printable(line), dialog(detail), ...buttons);
}

export function alarm(line: string, detail: string | undefined, ...buttons: string[]): Thenable<string | undefined> {
  return vscode.window.showErrorMessage(printable(line), dialog(detail), ...buttons);
}

export type Progress = (line: string) => void;

export function during<T>(title: string, act: (progress: Progress) => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: printable(title) }, (progress) =>
    act((line) => {
      progress.report({ message: printable(line) });
    }),
  );
}

const dialog = (detail: string | undefined): vscode.MessageOptions => ({ modal: true, ...(detail === undefined ? {} : { detail: printable(detail) }) });
