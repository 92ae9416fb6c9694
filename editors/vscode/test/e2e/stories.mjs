// Stories in a real VS Code; tests/editors/vscode_e2e.py starts what they need, and looks at the gateway afterwards.
import { Editor } from './editor.mjs';

const { URL: url, FOLDER: folder, SHOTS: shots, TICK: tick, INVITATION: invitation } = process.env;
const next = String(Number(tick) + 1);

const stories = {
  async breakpointStepRestartDisconnect(editor) {
    const view = await editor.components();
    await view.getByText('app', { exact: true }).waitFor(); // it appeared by itself
    await editor.openFileFromExplorer('main.go');
    await editor.breakpointAt(tick);
    await editor.press('F5');
    await editor.pick('app'); // there is no launch.json
    await editor.stoppedAt(tick);
    await editor.variable('sum', '0');
    await editor.status('app: stopped');
    await editor.picture('stopped');
    await editor.press('F10');
    await editor.stoppedAt(next);
    await editor.press('Control+Shift+F5');
    await editor.console('Your session ends');
    await editor.stoppedAt(next); // a session of ours that is new, the program as it was
    await editor.press('F5');
    await editor.stoppedAt(tick); // the breakpoint is there again
    await editor.variable('n', '1');
    await editor.picture('restarted');
    await editor.page.reload();
    await editor.stoppedAt(tick); // attached again by itself
    await editor.picture('reloaded');
    await editor.press('Shift+F5');
    await editor.sessionIsOver();
    await editor.picture('disconnected');
  },

  async somebodyElseHasTheBaton(editor) {
    await editor.components();
    await editor.openFileFromExplorer('main.go');
    await editor.press('F5');
    await editor.pick('app');
    await editor.stoppedAt(tick);
    await editor.status('baton: bob');
    const view = await editor.components();
    await view.getByText('Baton: bob').waitFor();
    await editor.press('F10');
    await editor.dialog('bob has the baton of app', 'Ask for the Baton');
    await view.getByText('you ask for the baton').waitFor();
    await editor.picture('asked');
  },

  async theGatewayOfTheSession(editor) {
    const view = await editor.components();
    await editor.openFileFromExplorer('main.go');
    await editor.press('F5');
    await editor.pick('app');
    await editor.stoppedAt(tick);
    await editor.command('delvegate: Choose the Gateway');
    await editor.pick('there');
    await view.getByText('refused the connection').waitFor();
    await editor.picture('another');
    await editor.command('delvegate: Ask for the Baton');
    await editor.notified('bob');
    await editor.picture('asked');
  },

  async unlocks(editor) {
    const view = await editor.components();
    await view.getByText('has a passphrase').click();
    const input = editor.page.locator('.quick-input-widget input');
    await input.fill('wrong');
    await editor.press('Enter');
    await editor.dialog('the passphrase does not open the key', 'OK');
    await view.getByText('has a passphrase').click();
    await input.fill('open sesame');
    await editor.press('Enter');
    await view.getByText('app', { exact: true }).waitFor();
    await editor.picture('unlocked');
  },

  async enrols(editor) {
    const view = await editor.components();
    await view.getByText('Enrol with a Gateway').click();
    await editor.page.locator('.quick-input-widget input').fill(invitation);
    await editor.press('Enter');
    await editor.notified('Enrolled as alice');
    await view.getByText('app', { exact: true }).waitFor();
    await editor.picture('enrolled');
  },
};

const editor = await Editor.open({ url, folder, shots });
try {
  await stories[process.argv[2]](editor);
} catch (error) {
  await editor.picture('failed');
  throw error;
} finally {
  await editor.close();
}
