// Stories in a real VS Code; tests/editors/vscode_e2e.py starts what they need, and looks at the gateway afterwards.
import { Editor } from './editor.mjs';

const { URL: url, FOLDER: folder, OTHER_FOLDER: otherFolder, SHOTS: shots, TICK: tick, INVITATION: invitation } = process.env;
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
    await editor.console('Earlier output of the program'); // a session of ours that is new,
    await editor.stoppedAt(next); // and the program as it was
    await editor.goOn();
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

  // Alice and Bob, each in a window of their own.
  async twoPeople(alice) {
    const bob = await alice.another(url, otherFolder);
    for (const [editor, context] of [[alice, 'alice'], [bob, 'bob']]) {
      await editor.components();
      await editor.command('delvegate: Choose the Gateway');
      await editor.pick(context);
      await (await editor.components()).getByText('app', { exact: true }).waitFor();
    }
    await bob.openFileFromExplorer('main.go');
    await bob.breakpointAt(tick);
    await bob.press('F5'); // by his launch.json, which asks for the component
    await bob.pick('app');
    await bob.stoppedAt(tick);
    await alice.openFileFromExplorer('main.go');
    // From the list of debug configurations, where the component appeared by itself.
    await alice.command('Debug: Select and Start Debugging');
    await alice.pick('Go: delvegate');
    await alice.pick('app');
    await alice.stoppedAt(tick);
    const [hers, his] = [await alice.components(), await bob.components()];
    await hers.getByText('Baton: bob').waitFor();
    await his.getByText('Baton: you').waitFor();
    for (const view of [hers, his]) await view.getByText('admin, code-server').nth(1).waitFor(); // the roster
    await hers.getByText('Stop budget:').waitFor();
    await alice.status(' used');
    await alice.press('F10');
    await alice.dialog('bob has the baton of app', 'Ask for the Baton');
    await his.getByText('alice asks for the baton').waitFor();
    await bob.page.locator('.statusbar-item.warning-kind').waitFor(); // yellow
    await bob.picture('asked');
    await bob.menu(his, 'app', 'Give the Baton…');
    await bob.pick('alice');
    await hers.getByText('Baton: you').waitFor();
    await his.getByText('Baton: alice').waitFor();
    await alice.press('F10');
    await alice.stoppedAt(next);
    await bob.stoppedAt(next); // everybody is told
    await alice.picture('together');
  },

  async startsAndPutsBack(editor) {
    const view = await editor.components();
    await view.getByText('available').waitFor();
    await editor.openFileFromExplorer('main.go');
    await editor.press('F5');
    await editor.pick('app');
    await editor.dialog('start it with: delvegate start app', 'Start It');
    await editor.dialog('Start app of here under the debugger?', 'Start');
    await editor.dialog('delvegate arm app', 'Cancel');
    await fetch(process.env.ARM); // root has armed it
    await editor.menu(view, 'app', 'Start…');
    await editor.dialog('Start app of here under the debugger?', 'Start');
    await editor.answerNotification('app of here runs under the debugger', 'Debug');
    await view.getByText('Taken out').waitFor();
    await editor.status('app: stopped');
    await editor.picture('taken out');
    await editor.menu(view, 'app', 'Stop and Put Back…');
    await editor.dialog('Stop and Put Back app of here?', 'Stop and Put Back');
    await editor.notified('app of here was put back');
    await view.getByText('Taken out').waitFor({ state: 'detached' });
    await view.getByText('available').waitFor();
    await editor.picture('put back');
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
    await view.getByText('Certificate ends on').waitFor();
    await editor.command('Notifications: Show Notifications');
    await editor.notified('is not renewed, as its key has a passphrase that is not stored here');
    await editor.picture('ends');
    await editor.command('Notifications: Clear All Notifications');
    await view.getByText('has a passphrase').click();
    const input = editor.page.locator('.quick-input-widget input');
    await input.fill('wrong');
    await editor.press('Enter');
    await editor.dialog('the passphrase does not open the key', 'OK');
    await view.getByText('has a passphrase').click();
    await input.fill('open sesame');
    await editor.press('Enter');
    await view.getByText('app', { exact: true }).waitFor();
    await view.getByText('Certificate ends on').waitFor({ state: 'detached' }); // with the passphrase it can be renewed
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

  async isRevoked(editor) {
    await editor.components();
    await editor.openFileFromExplorer('main.go');
    await editor.press('F5');
    await editor.dialog(/refused your certificate: it is revoked; ask the gateway.s administrator/, 'Enrol…');
    await editor.page.locator('.quick-input-widget').getByText('Enrol with a Gateway (1/2)').waitFor();
  },

  async enrolsBesideAnother(editor) {
    const view = await editor.components();
    await view.getByText('refused the connection').waitFor(); // of the context that is there
    await editor.command('delvegate: Enrol with a Gateway');
    const input = editor.page.locator('.quick-input-widget input');
    await input.fill(invitation);
    await editor.press('Enter');
    await editor.dialog('There is a context localhost already: alice at localhost:1', 'Replace It');
    // It turns out to be another gateway.
    await editor.page.locator('.quick-input-widget').getByText('the context localhost is alice at localhost:1, and stays').waitFor();
    await editor.picture('name');
    await editor.press('Enter');
    await editor.notified('the certificate of localhost-2 is good until');
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
