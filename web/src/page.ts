// The page. Elements are kept and changed in place, so that the keyboard's focus and what is open stay where they are; all that others
// have said goes through textContent.
import { actionsFor, auditText, batonText, budgetText, certificateWarnings, isOffered, killAction, launcherText, mayAudit, shortPosition, stateText, utcText } from './model';
import type { Action, AuditRecord, Component, Session, State } from './model';
import { Outcomes, outcomeText } from './outcomes';
import { carryOut, follow } from './server';

const most_records = 500;

function find<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function made<K extends keyof HTMLElementTagNameMap>(name: K, text = '', className = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}

// Children of `parent`, one for each item, kept by key.
function keep<T>(parent: HTMLElement, items: T[], key: (item: T) => string, make: (item: T) => HTMLElement, update: (element: HTMLElement, item: T) => void): void {
  const there = new Map([...parent.children].map((child) => [(child as HTMLElement).dataset['key'] ?? '', child as HTMLElement]));
  // First of all: what stays is then where it is wanted, and keeps the keyboard's focus.
  const wantedKeys = new Set(items.map(key));
  for (const [name, element] of there) {
    if (wantedKeys.has(name)) continue;
    element.remove();
    there.delete(name);
  }
  let after: Element | null = null;
  for (const item of items) {
    const name = key(item);
    let element = there.get(name);
    there.delete(name);
    if (!element) {
      element = make(item);
      element.dataset['key'] = name;
    }
    const wanted: Element | null = after ? after.nextElementSibling : parent.firstElementChild;
    if (wanted !== element) parent.insertBefore(element, wanted);
    update(element, item);
    after = element;
  }
}

const ask = find<HTMLDialogElement>('ask');
let asked: { action: Action; done: () => void } | undefined;

const outcomes = new Outcomes();

// Each line is told anew when its text is another, and the others are not (aria-live).
function showOutcomes(): void {
  const line = () => {
    const element = made('p');
    element.setAttribute('aria-atomic', 'true');
    return element;
  };
  keep(find('said'), [...outcomes.all], (one) => String(one.id), line, (element, one) => say(element, outcomeText(one)));
  find('said-hide').hidden = !outcomes.all.some((one) => one.over);
}

function perform(action: Action, where: string): void {
  const what = `${where}: ${action.label.replace('…', '')}`;
  const run = (more: Record<string, string>) => {
    const id = outcomes.begin(what);
    const tell = (text: string, over: boolean) => {
      outcomes.say(id, what, text, over);
      showOutcomes();
    };
    showOutcomes();
    void carryOut(action, more, (step) => tell(step, false)).then((text) => tell(text, true));
  };
  if (!action.ask) return run({});
  const { text, yes, input } = action.ask;
  find('ask-head').textContent = what;
  find('ask-text').textContent = text;
  say(find('ask-over'), '');
  const confirm = find<HTMLButtonElement>('ask-yes');
  confirm.textContent = yes;
  confirm.disabled = false;
  find('ask-name').textContent = input ? input.name + (input.needed ? '' : ' (may be empty)') : '';
  find('ask-label').hidden = !input;
  const field = find<HTMLInputElement>('ask-input');
  field.value = '';
  field.required = Boolean(input?.needed);
  asked = {
    action,
    done() {
      const value = field.value.trim();
      if (input?.needed && !value) return field.focus();
      ask.close();
      run(input && value ? { [input.key]: value } : {});
    },
  };
  ask.showModal();
  // What others feel is not what the Enter key does by itself.
  (input?.needed ? field : find('ask-no')).focus();
}

find('said-hide').onclick = () => {
  outcomes.hide();
  showOutcomes();
};
ask.onclose = () => (asked = undefined);
find('ask-yes').onclick = () => asked?.done();
find('ask-no').onclick = () => ask.close();
// From the field the Enter key leads to the button and no further, and one that is held down does not press it.
find('ask-input').onkeydown = (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  // Without this the button gets the rest of this very press.
  event.preventDefault();
  if (!event.repeat) find('ask-yes').focus();
};
find('ask-yes').onkeydown = (event) => {
  if (event.repeat) event.preventDefault();
};

// Somebody else was quicker, or it stands elsewhere by now.
function lookAgain(now: State): void {
  if (!asked || isOffered(asked.action, now)) return;
  say(find('ask-over'), 'This is not as it was any more: cancel, and look again.');
  find<HTMLButtonElement>('ask-yes').disabled = true;
  if (document.activeElement === document.body) find('ask-no').focus();
}

const todo = new WeakMap<HTMLElement, { action: Action; where: string }>();

function button(): HTMLElement {
  const element = made('button');
  element.type = 'button';
  element.onclick = () => {
    const what = todo.get(element);
    if (what) perform(what.action, what.where);
  };
  return element;
}

function offer(element: HTMLElement, action: Action, where: string): void {
  todo.set(element, { action, where });
  say(element, action.label);
}

function part(card: HTMLElement, name: string): HTMLElement {
  return card.querySelector(`[data-part=${name}]`) as HTMLElement;
}

function newCard(c: Component): HTMLElement {
  const card = made('article');
  card.setAttribute('aria-label', c.component);
  const add = (element: HTMLElement, name: string) => {
    element.dataset['part'] = name;
    card.append(element);
    return element;
  };
  card.append(made('h3', c.component));
  add(made('p'), 'state');
  add(made('p', '', 'position'), 'position');
  add(made('p', '', 'position source'), 'source');
  add(made('p', '', 'warn'), 'park');
  add(made('p', '', 'warn'), 'launcher');
  add(made('p'), 'baton');
  add(made('p', '', 'dim'), 'budget');
  add(made('ul'), 'people').setAttribute('aria-label', `People at ${c.component}`);
  const details = add(made('details'), 'details');
  details.append(made('summary'), made('ul'));
  const buttons = add(made('div', '', 'buttons'), 'buttons');
  buttons.setAttribute('role', 'group');
  buttons.setAttribute('aria-label', `Actions at ${c.component}`);
  return card;
}

function newPerson(): HTMLElement {
  const item = made('li');
  item.append(made('span'), button());
  return item;
}

function showPerson(item: HTMLElement, s: Session, c: Component): void {
  const [words, end] = [item.children[0] as HTMLElement, item.children[1] as HTMLElement];
  say(words, `${s.user} (${[s.role, s.ide || s.protocol].filter(Boolean).join(', ')}) since ${s.since}${s.awaySince ? `; link down since ${s.awaySince}` : ''}`);
  offer(end, killAction(s), c.component);
  end.setAttribute('aria-label', `End ${s.user}'s session at ${c.component}`);
  end.hidden = !c.may.includes('kill');
}

function showCard(card: HTMLElement, c: Component, now: State): void {
  card.dataset['state'] = c.state;
  say(part(card, 'state'), stateText(c));
  say(part(card, 'position'), shortPosition(c.position ?? ''));
  part(card, 'position').title = c.position ?? '';
  say(part(card, 'source'), c.sourceLine ?? '');
  say(part(card, 'park'), c.park ? `parked by ${c.park.by} until ${c.park.until}: ${c.park.note}` : '');
  say(part(card, 'baton'), batonText(c));
  say(part(card, 'launcher'), launcherText(c));
  say(part(card, 'budget'), budgetText(c, Date.now() - latestAt));
  keep(part(card, 'people'), now.sessions.filter((s) => s.component === c.component), (s) => s.session, newPerson, (item, s) => showPerson(item, s, c));
  const details = part(card, 'details');
  details.hidden = c.breakpoints.length === 0;
  say(details.children[0] as HTMLElement, `${c.breakpoints.length} breakpoint${c.breakpoints.length === 1 ? '' : 's'}`);
  keep(details.children[1] as HTMLElement, c.breakpoints, (b) => String(b.id), () => made('li'),
    (item, b) => say(item, `${b.at} of ${b.user}${b.pinned ? ', pinned' : ''}${b.here ? '' : ', who has left'}${b.off ? `; off: ${b.off}` : ''}`));
  keep(part(card, 'buttons'), actionsFor(c, now.you.user), (action) => action.name, button, (element, action) => offer(element, action, c.component));
}

let latest: State | undefined;
let latestAt = 0;

// Between two events nothing but a stop budget goes on.
function count(): void {
  for (const card of find('components').children) {
    const c = latest?.components.find((one) => one.component === (card as HTMLElement).dataset['key']);
    if (c?.stopBudget?.counts) say(part(card as HTMLElement, 'budget'), budgetText(c, Date.now() - latestAt));
  }
}

function show(): void {
  if (!latest) return;
  const now = latest;
  const wanted = find<HTMLInputElement>('find').value.trim().toLowerCase();
  const fits = (c: Component) => !wanted || c.component.toLowerCase().includes(wanted) ||
    now.sessions.some((s) => s.component === c.component && s.user.toLowerCase().includes(wanted));
  say(find('you'), `you are ${now.you.user}`);
  keep(find('components'), now.components.filter(fits), (c) => c.component, newCard, (card, c) => showCard(card, c, now));
  const lines = certificateWarnings(now);
  keep(find('warnings'), lines, (line) => line, () => made('li'), (item, line) => say(item, line));
  find('warnings').hidden = lines.length === 0;
  showAudit(now);
}

function record(records: AuditRecord[]): void {
  const list = find('audit');
  for (const one of records) {
    const line = made('li', auditText(one));
    line.dataset['component'] = one.component ?? '';
    list.prepend(line);
  }
  while (list.children.length > most_records) list.lastElementChild?.remove();
}

// Of what one is told no more nothing stays.
function showAudit(now: State): void {
  for (const line of [...find('audit').children] as HTMLElement[]) if (!mayAudit(line.dataset['component'] ?? '', now)) line.remove();
  find('audit-part').hidden = !now.you.audit && !now.components.some((c) => c.may.includes('audit'));
}

// What has been seen is not to be seen any more.
function forget(): void {
  latest = undefined;
  ask.close();
  for (const words of ['ask-head', 'ask-text']) find(words).textContent = '';
  outcomes.hide();
  showOutcomes();
  find('components').replaceChildren();
  find('warnings').replaceChildren();
  find('warnings').hidden = true;
  find('audit').replaceChildren();
  find('audit-part').hidden = true;
}

// What the keyboard leads to is not behind the lines at the top, however many there are.
new ResizeObserver(() => (document.documentElement.style.scrollPaddingTop = `${find('bar').offsetHeight + 8}px`)).observe(find('bar'));
find('find').oninput = show;
setInterval(count, 1000);
void follow({
  state(now) {
    latest = now;
    latestAt = Date.now();
    show();
    lookAgain(now);
  },
  audit: record,
  link(up, { text, forbidden, trying }) {
    if (forbidden) forget();
    const link = find('link');
    const word = up ? 'live' : 'not live';
    if (link.textContent !== word) link.textContent = word;
    link.className = up ? '' : 'warn';
    const words = [text, trying && 'trying again', latest && `what you see is of ${utcText(latestAt)}`];
    say(find('trouble'), up ? '' : words.filter(Boolean).join('; '));
    // Who is told anew is told the last records anew.
    if (!up) find('audit').replaceChildren();
  },
});
