// The web page in a real browser: node web_page.mjs STORY; tests/editors/web_page_e2e.py starts what each needs.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { browser, buttonsOf, card, command, fits, hasFocus, inView, open, person, troubles } from './web_browser.mjs';
import { crowd } from './web_crowd.mjs';
import { tabs } from './web_tabs.mjs';

const { UI: ui, SHOTS: shots, TICK } = process.env;
const wide = { viewport: { width: 1200, height: 700 } };
const phone = { viewport: { width: 390, height: 800 }, colorScheme: 'dark' };
const dialogOf = (page) => page.getByRole('dialog');

const stories = {
  async twoPeople() {
    const alice = await person('ALICE', wide);
    const bob = await person('BOB', phone);
    for (const page of [alice, bob]) {
      await card(page).getByText('stopped since').waitFor();
      await card(page).getByText(`main.go:${TICK}`).first().waitFor();
      await card(page).getByText('baton: alice since').waitFor();
      // On a phone, too, nothing is beside the window.
      assert.ok(await fits(page));
    }
    await alice.getByRole('list', { name: 'Audit' }).getByText('at app').first().waitFor();
    assert.equal(await bob.getByRole('list', { name: 'Audit' }).isVisible(), false);
    assert.equal(await card(bob).getByRole('button', { name: 'End bob' }).isVisible(), false);

    // By keyboard alone.
    await bob.getByRole('searchbox').focus();
    const ask = card(bob).getByRole('button', { name: 'Ask for the baton' });
    for (let presses = 0; !(await hasFocus(ask)); ++presses) {
      assert.ok(presses < 30, 'the button is not reached by the Tab key');
      await bob.keyboard.press('Tab');
    }
    await bob.keyboard.press('Enter');
    await card(alice).getByText('asking: bob').waitFor();

    if (shots) {
      await alice.screenshot({ path: join(shots, 'web.png') });
      await bob.screenshot({ path: join(shots, 'web-phone-dark.png') });
    }

    // Its text is nobody's program here.
    await command('run_to_the_hostile_line');
    for (const page of [alice, bob]) {
      await card(page).getByText('<script>alert(1)</script><img src=x onerror=alert(2)>').waitFor();
      assert.equal(await card(page).locator('script, img').count(), 0);
      assert.ok(await fits(page));
    }

    const end = card(alice).getByRole('button', { name: "End bob's session at app" });
    await end.click();
    const dialog = dialogOf(alice);
    await dialog.getByText("bob's session at app").waitFor();
    await alice.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.ok(await end.isVisible());
    await end.click();
    // It needs no reason, and the Enter key alone does nothing to bob.
    assert.ok(await hasFocus(dialog.getByRole('button', { name: 'Cancel' })));
    await dialog.getByRole('textbox').fill('<img src=x onerror=alert(1)>');
    await dialog.getByRole('textbox').dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
    assert.ok(await hasFocus(dialog.getByRole('textbox')));
    await alice.keyboard.press('Enter');
    assert.ok(await hasFocus(dialog.getByRole('button', { name: 'End the session' })));
    await alice.keyboard.press('Enter');
    await alice.getByText("bob's session at app was ended").waitFor();
    for (const page of [alice, bob]) await card(page).getByText('bob (').waitFor({ state: 'detached' });

    // The same page by `delvegate ui`: no certificate in the browser, and a link for one time.
    const page = await open(ui);
    await card(page).getByText('stopped since').waitFor();
    assert.equal(new URL(page.url()).search, '');
    await card(page).getByRole('button', { name: 'Park this stop' }).click();
    await dialogOf(page).getByRole('textbox').fill('by delvegate ui');
    await dialogOf(page).getByRole('button', { name: 'Park' }).click();
    await card(alice).getByText('by delvegate ui').first().waitFor();
    const other = await (await browser.newContext()).newPage();
    assert.equal((await other.goto(ui)).status(), 403);
    // When the gateway is gone, `delvegate ui` says why, and the page its words.
    await other.close();
    assert.deepEqual(troubles.splice(0), []);
    await command('end_the_gateway');
    await page.getByRole('alert').getByText(/localhost:\d+.*; trying again; what you see is of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/).waitFor();
    // And when that is gone, nothing is left but to say so.
    await command('end_the_ui');
    await page.getByRole('alert').getByText(/^delvegate ui has ended: run it again, and follow the link that it prints; what you see is of \d.* UTC$/).waitFor();
    assert.deepEqual(troubles.filter((one) => !/^Failed to load resource: |net::ERR_/.test(one)), []);
    troubles.length = 0;
  },

  async actions() {
    const alice = await person('ALICE', wide);
    const bob = await person('BOB', { ...phone, refusals: true });
    const olga = await person('OLGA', { ...wide, refusals: true });
    for (const page of [alice, bob, olga]) await card(page).getByText('baton: alice since').waitFor();
    // Who may only look is offered nothing, and a developer nothing of an administrator's.
    assert.equal(await card(olga).getByRole('button').count(), 0);
    assert.deepEqual(await buttonsOf(bob), ['Ask for the baton', 'Park this stop…']);
    assert.deepEqual(await buttonsOf(alice), ['Give the baton…', 'Drop the baton', 'Park this stop…']);

    await card(bob).getByRole('button', { name: 'Ask for the baton' }).click();
    await card(alice).getByText('asking: bob').waitFor();
    const at = async (page, label, words) => {
      await card(page).getByRole('button', { name: label }).click();
      await dialogOf(page).getByText(words).waitFor();
      return dialogOf(page);
    };
    let dialog = await at(alice, 'Give the baton', 'Who is to run app from now on?');
    await dialog.getByRole('textbox').fill('bob');
    await dialog.getByRole('button', { name: 'Give' }).click();
    await card(bob).getByText('baton: bob since').waitFor();
    assert.ok((await buttonsOf(bob)).includes('Drop the baton'));

    dialog = await at(alice, 'Take the baton', 'bob has the baton of app and will not be able to run or step it');
    assert.ok(await hasFocus(dialog.getByRole('button', { name: 'Cancel' })));
    await alice.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    dialog = await at(alice, 'Take the baton', 'bob has the baton');
    await dialog.getByRole('button', { name: 'Take the baton' }).click();
    await card(bob).getByText('baton: alice since').waitFor();

    dialog = await at(alice, 'Park this stop', 'app stays stopped here');
    await dialog.getByRole('button', { name: 'Park' }).click();
    // It must say why.
    assert.ok(await dialog.isVisible() && await hasFocus(dialog.getByRole('textbox')));
    await dialog.getByRole('textbox').fill('look at <b>queue</b>, Bob');
    await dialog.getByRole('button', { name: 'Park' }).click();
    for (const page of [alice, bob, olga]) await card(page).getByText(/parked by alice until .*: look at <b>queue<\/b>, Bob/).waitFor();

    // What the gateway refuses is told in its words, where it is seen.
    dialog = await at(bob, 'Resume', 'goes on from the stop that alice has parked');
    await dialog.getByRole('button', { name: 'Resume' }).click();
    const said = bob.getByRole('status').getByText('app: Resume: alice has the baton of app');
    await said.waitFor();
    assert.ok(await inView(said));

    // A question that has been left open is not about the next stop.
    dialog = await at(alice, 'Resume', 'goes on from the stop that alice has parked');
    const second = await person('ALICE', wide);
    const of_second = await at(second, 'Resume', 'goes on from the stop');
    await of_second.getByRole('button', { name: 'Resume' }).click();
    await second.getByText('is parked no more').waitFor();
    await dialog.getByText('This is not as it was any more').waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Resume' }).isDisabled());
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await card(alice).getByRole('button', { name: 'Drop the baton' }).click();
    await card(bob).getByText('baton: nobody has it').waitFor();

    // From whom it is taken is told so, and shown nothing any more, until it is given back.
    await command('olga_may_nothing');
    await olga.getByRole('alert').getByText(/^no component of this gateway is for olga to observe.*; trying again$/).waitFor();
    assert.equal(await olga.getByRole('article').count(), 0);
    await command('olga_may_look');
    await card(olga).getByText('stopped since').waitFor();
    await olga.getByText('live', { exact: true }).waitFor();

    // With the right to the audit what has been shown of it goes; who is revoked is shown nothing of all that.
    const audit = olga.getByRole('list', { name: 'Audit' });
    const see_some = async () => {
      await command('olga_rules');
      await audit.waitFor();
      await card(alice).getByRole('button', { name: 'Ask for the baton' }).click();
      await audit.getByText('alice baton ask at app').first().waitFor();
      await card(alice).getByRole('button', { name: 'Drop the baton' }).click();
    };
    await see_some();
    await command('olga_may_look');
    await audit.waitFor({ state: 'hidden' });
    assert.equal(await olga.locator('#audit > li').count(), 0);
    assert.ok(await card(olga).isVisible());
    await see_some();
    await command('revoke_olga');
    await card(olga).waitFor({ state: 'detached' });
    assert.equal(await olga.locator('#audit > li').count(), 0);
    await olga.getByRole('alert').getByText(/access of olga has been revoked|does not answer/).waitFor();
    assert.ok(!(await olga.getByRole('alert').innerText()).includes('what you see is of'));
  },

  async life() {
    const alice = await person('ALICE', { ...wide, refusals: true });
    const bob = await person('BOB', phone);
    const buttons = async (...wanted) => {
      for (;;) {
        const now = await buttonsOf(alice);
        if (wanted.every((one) => now.includes(one)) && now.filter((one) => /^St|^Re/.test(one)).length === wanted.length) return;
        await alice.waitForTimeout(50);
      }
    };
    const press = async (label, words) => {
      await card(alice).getByRole('button', { name: `${label}…`, exact: true }).click();
      await dialogOf(alice).getByText(words).waitFor();
      await dialogOf(alice).getByRole('button', { name: label, exact: true }).click();
    };
    await card(alice).getByText('available').waitFor();
    await buttons('Start…');
    await press('Start', 'app is taken out of what runs it');
    await alice.getByText('app: Start: not armed; root: delvegate arm app').waitFor();
    await command('arm');
    await press('Start', 'app is taken out of what runs it');
    // What is under way is told while it is.
    await alice.getByText('app: Start: the manifest is moved …').waitFor();
    // And stays in sight when something else has come to its end meanwhile, which does, too.
    await card(alice, 'web').getByRole('button', { name: 'Ask for the baton' }).click();
    const other = alice.getByRole('status').getByText(/^web: Ask for the baton: /);
    await other.waitFor();
    const others = await other.innerText();
    const said = () => alice.locator('#said > p').allInnerTexts();
    assert.deepEqual(await said(), [others, 'app: Start: the manifest is moved …']);
    await command('go_on');
    const start = alice.getByRole('status').getByText(/^app: Start: [^…]*$/);
    await start.waitFor();
    assert.deepEqual(await said(), [others, await start.innerText()]);
    await alice.getByRole('button', { name: 'Hide' }).click();
    assert.deepEqual(await said(), []);
    await card(alice).getByText('stopped').waitFor();
    await buttons('Stop…', 'Restore…');
    assert.ok(!(await buttonsOf(bob)).some((one) => /^St|^Re/.test(one)));
    await press('Stop', "everybody's session at it with it");
    await card(alice).getByText('available').waitFor();
    await buttons('Start…');
    await command('start_at_the_node');
    await buttons('Stop…', 'Restore…');
    await press('Restore', 'put back as it was before it was taken out');
    await alice.getByText('app: Restore: put back').waitFor();
    await buttons('Start…');
  },

  async reconnect() {
    const alice = await person('ALICE', { ...wide, refusals: true });
    await card(alice).getByText('stopped since').waitFor();
    await alice.evaluate(() => (window.isTheSame = true));
    await command('down');
    await alice.getByText('not live').waitFor();
    await alice.getByRole('alert').getByText('the gateway does not answer; trying again; what you see is of').waitFor();
    await command('up');
    await card(alice).getByText(`main.go:${TICK}`).first().waitFor();
    await alice.getByText('live', { exact: true }).waitFor();
    assert.equal(await alice.getByRole('alert').count(), 0);
    assert.ok(await alice.evaluate(() => window.isTheSame));

    // One page too many is told so, and comes in when there is room.
    const others = [];
    for (let count = 1; count < 4; ++count) others.push(await person('ALICE', wide));
    const late = await person('ALICE', { ...wide, refusals: true, live: false });
    await late.getByRole('alert').getByText(/you follow them \d+ times already.*; trying again$/).waitFor();
    await others[0].close();
    await late.getByText('live', { exact: true }).waitFor();
  },

  crowd: () => crowd(phone),
  tabs: () => tabs(ui),
};

try {
  await stories[process.argv[2]]();
  assert.deepEqual(troubles, []);
} catch (error) {
  console.error(troubles);
  throw error;
} finally {
  await browser.close();
}
