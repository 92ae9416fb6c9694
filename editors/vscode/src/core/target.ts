import { Trouble } from './trouble.js';

/** A component, and the context of the gateway that has it: neither says anything without the other. */
export interface Target {
  context: string;
  component: string;
}

/** As a gateway's configuration takes it (a DNS label): what is named so can stand in a command line. */
export const goodComponent = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);

/**
 * What an object names: a launch configuration, or what a button, a node of the view or a keybinding hands over. undefined: no
 * component. Throws a Trouble for a name that no component has.
 */
export function targetIn(given: unknown): Partial<Target> | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { context, component } = given as Record<string, unknown>;
  if (typeof component !== 'string' || component === '') return undefined;
  if (!goodComponent(component)) throw new Trouble('settings', `"${component}" is no component's name: 1 to 63 small letters, digits and hyphens`);
  return { component, ...(typeof context === 'string' && context !== '' ? { context } : {}) };
}

/** What is named, in the context that is named with it, else in the `usual` one. */
export function targetOf(given: unknown, usual: string | undefined): Target {
  const named = targetIn(given);
  if (named?.component === undefined) throw new Trouble('settings', 'the configuration names no component: "component": "NAME"');
  return { context: contextOr(named.context ?? usual), component: named.component };
}

/** The context, or a Trouble where there is none. */
export function contextOr(context: string | undefined): string {
  if (context === undefined) throw new Trouble('settings', 'no gateway is known here: run the command "delvegate: Enrol with a Gateway"');
  return context;
}

/** A configuration as a launch.json has it: all that can be said of it before ${input:…} and a platform's own members are put in. */
export function begun<T extends object>(configuration: T, usual: string | undefined): T {
  contextOr(usual);
  return configuration;
}

/**
 * A configuration in which variables, and what "linux", "osx" or "windows" says, are put in already, with the context of now, where it has
 * none. Not with `debugServer`: for it VS Code would speak to a port of this computer instead, without TLS.
 */
export function resolved<T extends object>(configuration: T, usual: string | undefined): T & Target {
  const kept = { ...configuration, ...targetOf(configuration, usual) };
  delete (kept as { debugServer?: unknown }).debugServer;
  return kept;
}
