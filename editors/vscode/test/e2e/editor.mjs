// A person at VS Code in a browser, driven by Playwright. Waits for what is to be seen, never for time.
import { chromium } from 'playwright-core';

const patience = Number(process.env.DEADLINE ?? '120') * 1000;

export class Editor {
  static async open({ url, folder, shots }) {
    const browser = await chromium.launch({
      executablePath: process.env.DELVEGATE_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    });
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.setDefaultTimeout(patience);
    const editor = new Editor(browser, page, shots);
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    await page.locator('.explorer-folders-view').getByText('main.go').waitFor();
    return editor;
  }

  constructor(browser, page, shots) {
    this.browser = browser;
    this.page = page;
    this.shots = shots;
    this.number = 0;
  }

  async picture(name) {
    await this.page.screenshot({ path: `${this.shots}/${String(++this.number).padStart(2, '0')}-${name}.png` });
  }

  async openFileFromExplorer(name) {
    await this.page.keyboard.press('Control+Shift+e');
    await this.page.locator('.explorer-folders-view').getByText(name).dblclick();
    await this.page.locator('.monaco-editor .view-line').first().waitFor();
    // The text is there before the focus is, and a focus that comes late would close a list that was opened meanwhile.
    await this.page.locator('.monaco-editor.focused').waitFor();
    await this.components();
  }

  /** A breakpoint by F9. */
  async breakpointAt(line) {
    await this.page.locator('.monaco-editor .view-line').first().click();
    await this.page.keyboard.press('Control+g');
    await this.page.locator('.quick-input-widget input').fill(`:${line}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator('.statusbar-item').getByText(`Ln ${line},`).waitFor();
    await this.page.keyboard.press('F9');
    await this.page.locator('.glyph-margin-widgets .codicon-debug-breakpoint, .glyph-margin-widgets .codicon-debug-breakpoint-unverified').first().waitFor();
  }

  /** The view of the extension in Run and Debug, opened. */
  async components() {
    await this.page.keyboard.press('Control+Shift+d');
    const header = this.page.locator('.pane-header', { hasText: /delvegate/i });
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
    return this.page.locator('.pane', { has: header });
  }

  /** Another window of the same VS Code, with another folder. */
  async another(url, folder) {
    const page = await this.browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.setDefaultTimeout(patience);
    const other = new Editor(this.browser, page, this.shots);
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    await page.locator('.explorer-folders-view').getByText('main.go').waitFor();
    return other;
  }

  /** An entry of the menu of a component in the view. */
  async menu(view, component, entry) {
    await view.getByText(component, { exact: true }).first().click({ button: 'right' });
    const item = this.page.locator('.monaco-menu').getByText(entry, { exact: true });
    // VS Code takes no click on a menu that has only just opened.
    do await item.click();
    while (!(await item.waitFor({ state: 'detached', timeout: 1000 }).then(() => true, () => false)));
  }

  async press(key) {
    await this.page.keyboard.press(key);
  }

  /** By the button, which is there while the program stands; F5 is another thing where it does not. */
  async goOn() {
    await this.page.getByRole('button', { name: /^Continue \(F5\)/ }).first().click();
  }

  /** In a list that VS Code offers. */
  async pick(text) {
    await this.page.locator('.quick-input-widget .monaco-list-row', { hasText: text }).first().click();
  }

  async command(title) {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').fill(`>${title}`);
    await this.pick(title);
  }

  async stoppedAt(line) {
    await this.page.locator('.debug-call-stack .stack-frame.selected .line-number, .debug-call-stack .monaco-list-row.selected .line-number, .debug-call-stack .stack-frame .line-number').getByText(String(line), { exact: true }).first().waitFor();
    await this.page.locator('.monaco-editor .debug-top-stack-frame-line').first().waitFor();
  }

  async variable(name, value) {
    await this.page.locator('.debug-variables .monaco-list-row', { hasText: new RegExp(`^\\s*${name}\\s*=\\s*${value}\\s*$`) }).first().waitFor();
  }

  async status(text) {
    await this.page.locator('.statusbar-item', { hasText: text }).first().waitFor();
  }

  /** What the debug console has said. */
  async console(text) {
    await this.page.locator('.repl .monaco-list-row', { hasText: text }).first().waitFor();
  }

  async sessionIsOver() {
    await this.page.locator('.debug-call-stack .stack-frame').first().waitFor({ state: 'detached' });
    await this.page.locator('.welcome-view-content').getByText('Run and Debug').first().waitFor();
  }

  async dialog(text, button) {
    const box = this.page.locator('.monaco-dialog-box', { hasText: text });
    await box.waitFor();
    await this.picture('dialog');
    await box.getByRole('button', { name: button }).click();
    await box.waitFor({ state: 'detached' });
  }

  async notified(text) {
    await this.page.locator('.notification-list-item, .notification-toast', { hasText: text }).first().waitFor();
  }

  async answerNotification(text, button) {
    await this.page.locator('.notification-list-item, .notification-toast', { hasText: text }).getByRole('button', { name: button, exact: true }).first().click();
  }

  async close() {
    await this.browser.close();
  }
}
