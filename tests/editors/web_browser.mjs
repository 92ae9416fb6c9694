// Chromium as people use the page with it. Whatever goes wrong in a page is a trouble: what a script or the browser complains of, what
// the page's policy forbids, and a question to anybody but the page's own origin. Packages are those of the folder it is run in.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { chromium } = createRequire(join(process.cwd(), 'package.json'))('playwright-core');
const { GATEWAY, DEADLINE, CHROMIUM } = process.env;

export const troubles = [];
export const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

async function newContext(options) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(Number(DEADLINE) * 1000);
  await context.addInitScript(() => document.addEventListener('securitypolicyviolation', (event) =>
    console.error(`against ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`)));
  return context;
}

// `refusals`: answers that are errors are meant; the browser has a word to say on each. `beside`: a page, which it is another tab of.
export async function open(url, { refusals = false, live = true, beside, ...options } = {}) {
  const origin = new URL(url).origin;
  const context = beside?.context() ?? await newContext(options);
  const page = await context.newPage();
  const meant = (text) => refusals && /^Failed to load resource: |net::ERR_/.test(text);
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && !meant(message.text()) && troubles.push(message.text()));
  page.on('dialog', (dialog) => troubles.push(`said ${dialog.message()}`));
  page.on('request', (request) => new URL(request.url()).protocol === 'data:' || new URL(request.url()).origin === origin || troubles.push(`asked ${request.url()}`));
  await page.goto(url);
  if (live) await page.getByText('live', { exact: true }).waitFor();
  return page;
}

// With that person's certificate in the browser.
export function person(name, options) {
  const [certPath, keyPath] = process.env[name].split(':');
  return open(GATEWAY, { clientCertificates: [{ origin: new URL(GATEWAY).origin, certPath, keyPath }], ...options });
}

export const card = (page, name = 'app') => page.getByRole('article', { name, exact: true });
export const buttonsOf = (page, name = 'app') => page.getByRole('group', { name: `Actions at ${name}`, exact: true }).getByRole('button').allInnerTexts();
export const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
export const hasFocus = (locator) => locator.evaluate((element) => element === document.activeElement);
export const inView = async (locator) => {
  const box = await locator.boundingBox();
  const size = locator.page().viewportSize();
  return box !== null && box.y >= 0 && box.y + box.height <= size.height && box.x >= 0 && box.x + box.width <= size.width;
};

// The test beside the browser does something with the gateway.
export async function command(name) {
  const answer = await fetch(process.env.COMMANDS + name, { method: 'POST' });
  if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
}
