import * as fs from 'node:fs/promises';
import * as path from 'node:path';

/** What Delve calls GuessSubstitutePathIn, and the gateway's guess takes (docs/paths.md). */
export interface LocalSources {
  ClientGOROOT?: string;
  ClientModuleDirectories: Record<string, string>;
}

const longestFile = 4 * 1024 * 1024;
const mostModules = 256; // the gateway takes no more
const mostText = 48 * 1024; // of all of them: a request has its limits
const mostParents = 64;

/**
 * The Go modules that these folders, or folders above them, are in: of go.work those it uses, of each those it replaces by directories; of one
 * that is there twice the first. With GOROOT. Files are read, no program is run. undefined: there are none.
 */
export async function localSources(folders: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<LocalSources | undefined> {
  const modules = new Modules();
  for (const folder of folders) {
    await modules.addFile(await upwards(folder, 'go.mod'));
    const work = await upwards(folder, 'go.work');
    for (const used of parse(await contents(work)).uses.slice(0, mostModules)) await modules.addFile(path.resolve(path.dirname(work ?? ''), used, 'go.mod'));
  }
  if (modules.found.size === 0) return undefined;
  const root = await goroot(environment);
  return { ...(root === undefined ? {} : { ClientGOROOT: root }), ClientModuleDirectories: Object.fromEntries(modules.found) };
}

class Modules {
  readonly found = new Map<string, string>();
  private text = 0;

  async addFile(file: string | undefined): Promise<void> {
    const { module, replacements } = parse(await contents(file));
    if (file === undefined) return;
    const directory = path.dirname(file);
    if (module !== undefined) this.add(module, directory);
    for (const [name, where] of replacements) this.add(name, path.resolve(directory, where));
  }

  private add(module: string, directory: string): void {
    const size = Buffer.byteLength(module) + Buffer.byteLength(directory) + 8;
    if (this.found.has(module) || this.found.size >= mostModules || this.text + size > mostText) return;
    this.found.set(module, directory);
    this.text += size;
  }
}

interface ModuleFile {
  module?: string;
  uses: string[];
  replacements: [string, string][]; // module and directory
}

/** The text of a go.mod or a go.work. */
export function parse(text: string): ModuleFile {
  const out: ModuleFile = { uses: [], replacements: [] };
  let block: string | undefined; // "use", "replace" within their parentheses
  for (const line of text.split('\n')) {
    let words = wordsOf(line);
    if (words[0] === ')') block = undefined;
    else if (words.length === 2 && words[1] === '(') block = words[0];
    else if (words.length > 0) {
      if (block !== undefined) words = [block, ...words];
      const [verb, first] = words as [string, string | undefined];
      const where = words[words.indexOf('=>') + 1];
      if (first === undefined) continue;
      if (verb === 'module') out.module = first;
      else if (verb === 'use') out.uses.push(first);
      else if (verb === 'replace' && words.includes('=>') && where !== undefined && isDirectory(where)) out.replacements.push([first, where]);
    }
  }
  return out;
}

// Quoted ones may have spaces in them; a comment ends a line.
const wordsOf = (line: string): string[] => Array.from(line.matchAll(/"([^"]*)"|`([^`]*)`|\/\/.*|([^\s"`]+)/g), ([whole, double, back, plain]) => (whole.startsWith('//') ? undefined : (double ?? back ?? plain))).filter((word) => word !== undefined);

const isDirectory = (name: string): boolean => /^\.{0,2}([/\\]|$)|^[a-z]:[/\\]/i.test(name);

async function contents(file: string | undefined): Promise<string> {
  try {
    // Neither a file that does not end nor one that waits for its writer.
    if (file === undefined || !(await isFile(file)) || (await fs.stat(file)).size > longestFile) return '';
    return await fs.readFile(file, 'utf8');
  } catch {
    return '';
  }
}

async function upwards(folder: string, name: string): Promise<string | undefined> {
  let directory = folder;
  for (let level = 0; level < mostParents; level++) {
    const file = path.join(directory, name);
    if (await isFile(file)) return file;
    const above = path.dirname(directory);
    if (above === directory) break;
    directory = above;
  }
  return undefined;
}

/** That of GOROOT, else of the `go` that would be run. */
async function goroot(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const given = environment.GOROOT ?? '';
  if (await isGoroot(given)) return given;
  for (const directory of (environment.PATH ?? environment.Path ?? '').split(path.delimiter)) {
    const go = await fs.realpath(path.join(directory, process.platform === 'win32' ? 'go.exe' : 'go')).catch(() => undefined);
    if (go === undefined || !path.isAbsolute(directory)) continue;
    const root = path.dirname(path.dirname(go));
    return (await isGoroot(root)) ? root : undefined;
  }
  return undefined;
}

const isGoroot = async (directory: string): Promise<boolean> => path.isAbsolute(directory) && (await fs.stat(path.join(directory, 'src', 'runtime')).catch(() => undefined))?.isDirectory() === true;
const isFile = async (file: string): Promise<boolean> => (await fs.stat(file).catch(() => undefined))?.isFile() === true;
