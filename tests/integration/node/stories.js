// Debug sessions of several people, each in a VS Code of their own. Usage: node stories.js NAME, with their ports in PORTS.
'use strict';

const {run} = require('./main.js');
const {Viewer, assert, lines} = require('./viewer.js');

const ports = (process.env.PORTS || process.env.PORT).split(',').map(Number);

// What both see of a stop, and that it is the same.
async function bothSee(one, other, line, functionName) {
    const seen = [];
    for (const {viewer, stopped} of [one, other]) {
        const frame = await viewer.at(stopped, line, functionName);
        const stack = (await viewer.frames(stopped.threadId)).map(f => [f.name, f.line]);
        const {variables} = await viewer.locals(frame.id);
        seen.push({stack, variables: variables.map(v => [v.name, v.value]), thread: stopped.threadId});
    }
    assert.deepEqual(seen[0], seen[1]);
    return seen[0];
}

const turn = async (viewer, stopped) => {
    const frames = await viewer.frames(stopped.threadId);
    return Number((await viewer.evaluate('n', frames.find(f => f.name === 'main.main').id)).result);
};

const stories = {
    // alice and bob, each with a breakpoint: each stops both, and belongs to one.
    async twoInVsCode() {
        const alice = new Viewer(ports[0]), bob = new Viewer(ports[1]);
        const first = await alice.atTick();
        let [atUse] = [];
        await bob.attach(async () => { [atUse] = await bob.breakpoints({line: lines.use, condition: 'sum >= 0'}); });
        assert.equal(atUse.verified, true);
        const joined = await bob.event('stopped');
        assert.deepEqual(joined.hitBreakpointIds ?? [], []);
        await bob.output(/Stopped at a breakpoint of alice/);
        await bothSee({viewer: alice, stopped: first.stopped}, {viewer: bob, stopped: joined}, lines.tick, 'main.tick');
        // Joining has neither moved nor told anything to the other.
        assert.deepEqual(alice.seen('stopped').length, 1);
        assert.match(await bob.refusal(bob.client.nextRequest({threadId: joined.threadId})), /alice has the baton of app since/);

        await alice.client.continueRequest({threadId: first.stopped.threadId});
        let [one, other] = await Promise.all([alice.event('stopped'), bob.event('stopped')]);
        await bob.output(/alice runs the program/);
        assert.deepEqual([other.reason, other.hitBreakpointIds], ['breakpoint', [atUse.id]]);
        assert.deepEqual(one.hitBreakpointIds ?? [], []);
        await alice.output(/Stopped at a breakpoint of bob/);
        await bothSee({viewer: alice, stopped: one}, {viewer: bob, stopped: other}, lines.use, 'main.use');
        const before = await turn(bob, other);

        // It is bob's turn at his breakpoint, whoever ran it there.
        assert.match(await alice.refusal(alice.client.continueRequest({threadId: one.threadId})), /it stands at a breakpoint of bob/);
        await bob.client.stepOutRequest({threadId: other.threadId});
        [one, other] = await Promise.all([alice.event('stopped'), bob.event('stopped')]);
        assert.deepEqual([one.reason, other.reason], ['step', 'step']);
        await alice.output(/bob runs the program/);
        assert.equal((await alice.frames(one.threadId, 1))[0].name, 'main.tick');

        // His breakpoint goes, hers stays; he still has the baton.
        assert.deepEqual(await bob.breakpoints(), []);
        await bob.client.continueRequest({threadId: other.threadId});
        [one, other] = await Promise.all([alice.event('stopped'), bob.event('stopped')]);
        assert.deepEqual(one.hitBreakpointIds, [first.breakpoint.id]);
        assert.deepEqual(other.hitBreakpointIds ?? [], []);
        await bothSee({viewer: alice, stopped: one}, {viewer: bob, stopped: other}, lines.tick, 'main.tick');
        assert.equal(await turn(alice, one), before + 1);

        // He has seen enough: she goes on alone.
        await bob.client.disconnectRequest({terminateDebuggee: true});
        await bob.event('terminated');
        await alice.client.continueRequest({threadId: one.threadId});
        one = await alice.event('stopped');
        assert.equal(await turn(alice, one), before + 2);
        assert.equal(alice.seen('terminated').length, 0);
    },

    // bob in VS Code; alice, in GoLand, has stopped it and is asked for the baton.
    async besideGoland() {
        const bob = new Viewer(ports[0]);
        let [point] = [];
        await bob.attach(async () => { [point] = await bob.breakpoints({line: lines.use}); });
        let stopped = await bob.event('stopped');
        await bob.at(stopped, lines.tick, 'main.tick');
        await bob.output(/Stopped at a breakpoint of alice/);
        assert.match(await bob.refusal(bob.client.nextRequest({threadId: stopped.threadId})), /alice has the baton/);
        assert.match((await bob.evaluate('delvegate baton ask')).result, /alice is asked for the baton of app/);
        await bob.output(/alice gave you the baton/);
        const before = await turn(bob, stopped);
        await bob.client.continueRequest({threadId: stopped.threadId});
        stopped = await bob.event('stopped');
        assert.deepEqual(stopped.hitBreakpointIds, [point.id]);
        await bob.at(stopped, lines.use, 'main.use');
        stopped = await bob.step('stepOut', stopped.threadId);
        stopped = await bob.step('stepOut', stopped.threadId);
        assert.equal((await bob.frames(stopped.threadId, 1))[0].name, 'main.main');
        assert.equal(await turn(bob, stopped), before);
        assert.match((await bob.evaluate('delvegate baton drop')).result, /nobody has the baton/);
        // alice goes on to her breakpoint, and clears it there; next is his.
        stopped = await bob.event('stopped');
        assert.deepEqual([stopped.reason, stopped.hitBreakpointIds ?? []], ['breakpoint', []]);
        stopped = await bob.event('stopped');
        assert.deepEqual(stopped.hitBreakpointIds, [point.id]);
        await bob.client.disconnectRequest({terminateDebuggee: true});
        await bob.event('terminated');
    },

    // The mentor lets the pupil step, watches, and takes over again.
    async aMentorHandsTheBatonOver() {
        const mentor = new Viewer(ports[0]), pupil = new Viewer(ports[1]);
        const {stopped: at} = await mentor.atTick();
        await pupil.attach();
        let seen = await pupil.event('stopped');
        assert.match(await pupil.refusal(pupil.client.stepInRequest({threadId: seen.threadId})), /alice has the baton of app since/);
        assert.match((await pupil.evaluate('delvegate baton ask')).result, /alice is asked for the baton/);
        await mentor.output(/bob asks for the baton; hand it over by typing here: delvegate baton give bob/);
        assert.match((await mentor.evaluate('delvegate baton give bob')).result, /bob has the baton of app now/);
        await pupil.output(/alice gave you the baton/);
        assert.match(await mentor.refusal(mentor.client.nextRequest({threadId: at.threadId})), /bob has the baton/);

        // Into use, over its line, out again, and on (the call's line has ended with it): the mentor sees each step's end
        // as the pupil does.
        let threadId = seen.threadId, watched;
        for (const [command, name] of [['stepIn', 'main.use'], ['next', 'main.use'], ['stepOut', 'main.tick'], ['next', 'main.main'],
            ['next', 'main.main']]) {
            await pupil.client.send(command, {threadId});
            [watched, seen] = await Promise.all([mentor.event('stopped'), pupil.event('stopped')]);
            assert.deepEqual([watched.reason, seen.reason], ['step', 'step']);
            const [frame] = await pupil.frames(seen.threadId, 1);
            assert.equal(frame.name, name, `${command} to ${frame.line}`);
            await bothSee({viewer: mentor, stopped: watched}, {viewer: pupil, stopped: seen}, frame.line, name);
            ({threadId} = seen);
        }
        // Steps are the pupil's, pauses anybody's: the mentor's breakpoint is out of the way, the pupil runs on, the mentor pauses.
        assert.deepEqual(await mentor.breakpoints(), []);
        await pupil.client.continueRequest({threadId});
        await mentor.event('continued');
        await mentor.client.pauseRequest({threadId: 1});
        [watched, seen] = await Promise.all([mentor.event('stopped'), pupil.event('stopped')]);
        assert.deepEqual([watched.reason, seen.reason], ['pause', 'pause']);
        await pupil.output(/Stopped for alice/);
        assert.match((await pupil.evaluate('delvegate baton give alice')).result, /alice has the baton of app now/);
        await mentor.breakpoints({line: lines.tick});
        await mentor.client.continueRequest({threadId: watched.threadId});
        [watched, seen] = await Promise.all([mentor.event('stopped'), pupil.event('stopped')]);
        await bothSee({viewer: mentor, stopped: watched}, {viewer: pupil, stopped: seen}, lines.tick, 'main.tick');
        // Nothing twice: as many stops as there were.
        assert.deepEqual([mentor.seen('stopped').length, pupil.seen('stopped').length], [8, 8]);
    },
};

run(stories, Viewer);
