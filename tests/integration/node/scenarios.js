// Debug sessions of a VS Code remote attach. Usage: node scenarios.js NAME
'use strict';

const {run} = require('./main.js');
const {Viewer, assert, lines, plain, source, atLeast} = require('./viewer.js');

const scenarios = {
    async breakpointAndLooks() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        const {client} = viewer;
        const [threads] = await Promise.all([client.threadsRequest(), client.threadsRequest()]);
        assert.ok(threads.body.threads.some(t => t.id === stopped.threadId && /main\.tick/.test(t.name)));
        const rest = (await client.stackTraceRequest({threadId: stopped.threadId, startFrame: 1, levels: 19})).body;
        assert.equal(rest.stackFrames[0].name, 'main.main');
        const {variables} = await viewer.locals(frame.id);
        const byName = Object.fromEntries(variables.map(v => [v.name, v]));
        const turn = Number((await viewer.evaluate('n', frame.id)).result);
        assert.equal(byName.sum.value, String(3 * turn));
        assert.match(byName.p.value, new RegExp(`Name: "web-${turn}"`));
        const fields = await viewer.variables(byName.p.variablesReference);
        const ports = fields.find(field => field.name === 'Ports');
        assert.equal(ports.indexedVariables, 2);
        const paged = await viewer.variables(ports.variablesReference, {filter: 'indexed', start: 1, count: 1});
        assert.ok(paged.some(v => v.value === '443'));
        assert.equal((await viewer.evaluate('sum', frame.id, 'hover')).result, String(3 * turn));
        assert.match((await viewer.evaluate('p.Labels', frame.id, 'watch')).result, /"app": "web"/);
        assert.equal((await viewer.evaluate('main.greeting', frame.id)).result, '"hello"');
        assert.match(await viewer.refused(client.evaluateRequest({expression: 'nosuch', frameId: frame.id})),
            /Unable to evaluate expression/);
        await client.continueRequest({threadId: stopped.threadId});
        const again = await viewer.event('stopped');
        const [next] = await viewer.frames(again.threadId, 1);
        assert.equal((await viewer.evaluate('n', next.id)).result, String(turn + 1));
    },

    // The program stands at the marker `tick`.
    async observerLooksOnly() {
        const viewer = new Viewer();
        let set;
        await viewer.attach(async () => {
            set = await viewer.breakpoints({line: lines.use}, {line: lines.tick, condition: 'n > 1'});
        });
        assert.deepEqual(set.map(b => b.verified), [false, false]);
        assert.match(set[0].message, /olga may not do setBreakpoints on app: it needs breakpoint; role debugger .*ask alice/);
        assert.match(set[1].message, /it needs read, breakpoint/);
        for (const name of ['supportsSetVariable', 'supportsEvaluateForHovers', 'supportsFunctionBreakpoints',
            'supportsConditionalBreakpoints', 'supportsLogPoints', 'supportsDisassembleRequest', 'supportsExceptionInfoRequest',
            'supportsClipboardContext', 'supportsSteppingGranularity'])
            assert.ok(!viewer.capabilities[name], name);
        assert.ok(viewer.capabilities.supportsConfigurationDoneRequest);
        const stopped = await viewer.event('stopped');
        const frame = await viewer.at({threadId: 1, ...stopped}, lines.tick, 'main.tick');
        const {client} = viewer;
        assert.ok((await client.threadsRequest()).body.threads.length > 1);
        const scopes = (await client.scopesRequest({frameId: frame.id})).body.scopes;
        const quiet = async (promise, needs) => {
            const error = await promise.then(() => assert.fail('was not refused'), failed => failed);
            assert.match(error.message, new RegExp(`Not allowed|it needs ${needs}`));
        };
        await quiet(client.variablesRequest({variablesReference: scopes[0].variablesReference}), 'read');
        await quiet(client.evaluateRequest({expression: 'n', frameId: frame.id, context: 'hover'}), 'read');
        await quiet(client.evaluateRequest({expression: 'call main.callsTick()', frameId: frame.id, context: 'repl'}), 'mutate');
        await quiet(client.continueRequest({threadId: 1}), 'control');
        await quiet(client.nextRequest({threadId: 1}), 'control');
        await client.disconnectRequest({terminateDebuggee: true});
    },

    async debuggerStepsAndSetsNothing() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        assert.ok(!viewer.capabilities.supportsSetVariable);
        assert.ok(viewer.capabilities.supportsConditionalBreakpoints);
        const {reference, variables} = await viewer.locals(frame.id);
        assert.ok(variables.some(v => v.name === 'sum'));
        await viewer.refused(viewer.client.setVariableRequest({variablesReference: reference, name: 'sum', value: '1'}));
        await viewer.refused(viewer.client.evaluateRequest({expression: 'call main.callsTick()', frameId: frame.id}));
        const after = await viewer.step('next', stopped.threadId);
        await viewer.at(after, lines.tick + 1, 'main.tick');
    },

    async looksOfAnEarlierStopAreRefused() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        const {reference} = await viewer.locals(frame.id);
        await viewer.client.continueRequest({threadId: stopped.threadId});
        await viewer.event('stopped');
        await viewer.refused(viewer.client.scopesRequest({frameId: frame.id}));
        await viewer.refused(viewer.client.variablesRequest({variablesReference: reference}));
    },

    async conditionHitConditionAndLogMessage() {
        const viewer = new Viewer();
        let set;
        await viewer.attach(async () => {
            set = await viewer.breakpoints({line: lines.tick, condition: 'n == 4'},
                {line: lines.use, logMessage: 'sum is {sum} of {p.Name}'});
        });
        assert.deepEqual(set.map(b => b.verified), [true, true]);
        const stopped = await viewer.event('stopped');
        const frame = await viewer.at(stopped, lines.tick);
        assert.equal((await viewer.evaluate('n', frame.id)).result, '4');
        await viewer.output(/sum is 9 of .*web-3/);
        assert.deepEqual(stopped.hitBreakpointIds, [set[0].id]);
        await viewer.breakpoints({line: lines.tick, hitCondition: '> 2'});
        await viewer.client.continueRequest({threadId: stopped.threadId});
        const second = await viewer.event('stopped');
        const later = await viewer.at(second, lines.tick);
        assert.ok(Number((await viewer.evaluate('n', later.id)).result) > 5);
    },

    async functionBreakpoint() {
        const viewer = new Viewer();
        let set;
        await viewer.attach(async () => {
            set = (await viewer.client.setFunctionBreakpointsRequest({breakpoints: [{name: 'main.use'}]})).body.breakpoints;
        });
        assert.equal(set[0].verified, true, JSON.stringify(set));
        const stopped = await viewer.event('stopped');
        assert.equal(stopped.reason, 'function breakpoint');
        assert.deepEqual(stopped.hitBreakpointIds, [set[0].id]);
        const [frame] = await viewer.frames(stopped.threadId, 1);
        assert.equal(frame.name, 'main.use');
        await viewer.client.setFunctionBreakpointsRequest({breakpoints: []});
        await viewer.breakpoints({line: lines.tick});
        await viewer.client.continueRequest({threadId: stopped.threadId});
        await viewer.at(await viewer.event('stopped'), lines.tick);
    },

    async breakpointsThatCannotBeSet() {
        const viewer = new Viewer();
        let set;
        await viewer.attach(async () => {
            set = await viewer.breakpoints({line: 1}, {line: lines.tick, condition: 'n >'}, {line: lines.use});
        });
        assert.deepEqual(set.map(b => b.verified), [false, false, true]);
        assert.match(set[0].message, /could not find statement|statement/);
        assert.ok(set[1].message);
        await viewer.event('stopped');
        if (plain) return;
        // The failed condition must have left nothing behind (Delve's own DAP server does): its line can be used.
        const again = await viewer.breakpoints({line: lines.tick}, {line: lines.use});
        assert.deepEqual(again.map(b => b.verified), [true, true], JSON.stringify(again));
    },

    async steps() {
        const viewer = new Viewer();
        const {stopped: {threadId}} = await viewer.atTick();
        await viewer.breakpoints();
        const into = await viewer.step('stepIn', threadId);
        assert.equal(into.reason, 'step');
        assert.equal((await viewer.frames(into.threadId, 1))[0].name, 'main.use');
        const out = await viewer.step('stepOut', into.threadId);
        const [frame] = await viewer.frames(out.threadId, 1);
        assert.equal(frame.name, 'main.tick');
        let over = await viewer.step('next', out.threadId);
        assert.equal(over.reason, 'step');
        // Over the sleep and round the loop: twenty steps, none may run away.
        for (let i = 0; i < 20; ++i) over = await viewer.step('next', over.threadId);
        assert.match((await viewer.frames(over.threadId, 1))[0].name, /^main\./);
        assert.equal(viewer.seen('continued').length >= 1, true);
    },

    async pauseAndContinue() {
        const viewer = new Viewer();
        await viewer.atTick();
        await viewer.breakpoints();
        await viewer.client.continueRequest({threadId: 1});
        for (let i = 0; i < 5; ++i) {
            await viewer.client.pauseRequest({threadId: 1});
            const stopped = await viewer.event('stopped');
            assert.equal(stopped.reason, 'pause');
            assert.equal(stopped.allThreadsStopped, true);
            const {threads} = (await viewer.client.threadsRequest()).body;
            assert.ok(threads.some(thread => thread.id === 1), JSON.stringify(threads));
            await Promise.all(threads.map(thread => viewer.frames(thread.id)));
            const [frame] = (await viewer.frames(1)).slice(-1);
            assert.equal((await viewer.evaluate('main.greeting', frame.id)).result, '"hello"');
            await viewer.client.continueRequest({threadId: 1});
        }
        assert.match(await viewer.refused(viewer.client.stackTraceRequest({threadId: 1})), /Unable to process/);
    },

    async breakpointWhileRunning() {
        const viewer = new Viewer();
        await viewer.attach();
        const [set] = await viewer.breakpoints({line: lines.tick});
        assert.equal(set.verified, true);
        const stopped = await viewer.event('stopped', body => body.reason !== 'pause');
        assert.equal(stopped.reason, 'breakpoint');
        await viewer.at(stopped, lines.tick);
        // Set and cleared while running, many times over: nobody may notice a stop.
        await viewer.breakpoints();
        await viewer.client.continueRequest({threadId: stopped.threadId});
        const before = viewer.seen('stopped').length;
        for (let i = 0; i < 10; ++i) {
            await viewer.breakpoints({line: lines.tick, condition: 'n < 0'});
            await viewer.breakpoints();
        }
        assert.equal(viewer.seen('stopped').length, before);
        await viewer.client.pauseRequest({threadId: 1});
        assert.equal((await viewer.event('stopped')).reason, 'pause');
    },

    // Attaching changes nothing about a program that runs.
    async joinsARunningProgram() {
        const first = new Viewer();
        await first.attach();
        await first.client.disconnectRequest({restart: false, terminateDebuggee: false});
        const viewer = new Viewer();
        let set;
        await viewer.attach(async () => { [set] = await viewer.breakpoints({line: lines.tick, condition: 'n < 0'}); });
        assert.equal(set.verified, true, JSON.stringify(set));
        assert.deepEqual((await viewer.client.threadsRequest()).body.threads, [{id: -1, name: 'Current'}]);
        assert.deepEqual(viewer.seen('stopped'), []);
        await viewer.client.pauseRequest({threadId: 1});
        const stopped = await viewer.event('stopped');
        assert.equal(stopped.reason, 'pause');
        await viewer.breakpoints({line: lines.tick});
        await viewer.client.continueRequest({threadId: 1});
        await viewer.at(await viewer.event('stopped'), lines.tick);
    },

    // An IDE that says everything at once, and reads later.
    async asksManyThingsAtOnce() {
        const viewer = new Viewer();
        const {stopped: {threadId}, frame} = await viewer.atTick();
        const answers = [];
        for (let i = 0; i < 200; ++i) {
            answers.push(viewer.client.threadsRequest(), viewer.frames(threadId), viewer.locals(frame.id),
                viewer.evaluate('p', frame.id, 'hover'));
        }
        await Promise.all(answers);
        await viewer.step('next', threadId);
    },

    // A call that takes long does not keep a pause from working.
    async pausesALongCall() {
        const viewer = new Viewer();
        const {frame} = await viewer.atTick();
        await viewer.breakpoints();
        const call = viewer.evaluate('call slow(3600)', frame.id).catch(error => error);
        await viewer.client.pauseRequest({threadId: 1});
        await viewer.event('stopped');
        await call;
        await viewer.client.threadsRequest();
        assert.equal((await viewer.evaluate('main.greeting')).result, '"hello"');
    },

    async changesTheTarget() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        const {reference} = await viewer.locals(frame.id);
        const set = await viewer.client.setVariableRequest({variablesReference: reference, name: 'sum', value: '77'});
        assert.equal(set.body.value, '77');
        assert.equal((await viewer.evaluate('sum', frame.id)).result, '77');
        assert.match((await viewer.evaluate('call describe("x", 7)', frame.id)).result, /x-7/);
        const [now] = await viewer.frames(stopped.threadId, 1);
        const {variables} = await viewer.locals(now.id);
        const p = variables.find(variable => variable.name === 'p');
        await viewer.client.setVariableRequest({variablesReference: p.variablesReference, name: 'Name', value: '"renamed"'});
        const [after] = await viewer.frames(stopped.threadId, 1);
        assert.equal((await viewer.evaluate('p.Name', after.id)).result, '"renamed"');
        const next = await viewer.step('next', stopped.threadId);
        assert.equal(next.reason, 'step');
    },

    async stopsOnEntry() {
        const viewer = new Viewer();
        await viewer.attach(undefined, {stopOnEntry: true});
        const stopped = await viewer.event('stopped');
        assert.equal(stopped.reason, 'entry');
        await viewer.client.threadsRequest();
        await viewer.breakpoints({line: lines.tick});
        await viewer.client.continueRequest({threadId: stopped.threadId ?? 1});
        await viewer.at(await viewer.event('stopped'), lines.tick);
    },

    async commandsOfTheConsole() {
        const viewer = new Viewer();
        const {frame} = await viewer.atTick();
        assert.match((await viewer.evaluate('dlv help', frame.id)).result, /dlv config/);
        assert.match((await viewer.evaluate('dlv config -list', frame.id)).result, /stackTraceDepth/);
        assert.match((await viewer.evaluate('dlv sources debuggee', frame.id)).result, /main\.go/);
    },

    async disassembles() {
        const viewer = new Viewer();
        const {frame} = await viewer.atTick();
        const {instructions} = (await viewer.client.disassembleRequest({
            memoryReference: frame.instructionPointerReference, instructionCount: 20, instructionOffset: -5,
        })).body;
        assert.equal(instructions.length, 20);
        const later = instructions[12].address;
        await viewer.breakpoints();
        const {breakpoints} = (await viewer.client.send('setInstructionBreakpoints',
            {breakpoints: [{instructionReference: later}]})).body;
        assert.equal(breakpoints[0].verified, true, JSON.stringify(breakpoints));
        await viewer.client.continueRequest({threadId: 1});
        assert.equal((await viewer.event('stopped')).reason, 'instruction breakpoint');
    },

    async readsAndWritesMemory() {
        const viewer = new Viewer();
        const {frame} = await viewer.atTick();
        const {variables} = await viewer.locals(frame.id);
        const p = variables.find(variable => variable.name === 'p');
        const name = (await viewer.variables(p.variablesReference)).find(v => v.name === 'Name');
        const {data} = (await viewer.client.send('readMemory', {memoryReference: name.memoryReference, count: 5})).body;
        assert.equal(Buffer.from(data, 'base64').toString(), 'web-0');
    },

    async dataBreakpoint() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        await viewer.breakpoints();
        const info = (await viewer.client.dataBreakpointInfoRequest({name: 'main.wish', frameId: frame.id})).body;
        assert.ok(info.dataId, JSON.stringify(info));
        const set = (await viewer.client.setDataBreakpointsRequest({breakpoints: [{dataId: info.dataId, accessType: 'write'}]})).body;
        assert.equal(set.breakpoints[0].verified, true, JSON.stringify(set));
        await viewer.evaluate('call main.wish = 6', frame.id).catch(() => {});
        await viewer.client.continueRequest({threadId: stopped.threadId});
        const hit = await viewer.event('stopped');
        assert.equal(hit.reason, 'data breakpoint');
        await viewer.client.setDataBreakpointsRequest({breakpoints: []});
    },

    async showsTheOutputOfTheProgram() {
        const viewer = new Viewer();
        const {stopped} = await viewer.atTick();
        await viewer.output(/started with one two words\n/, 'stdout');
        await viewer.output(/said on stderr\n/);
        await viewer.breakpoints();
        await viewer.client.continueRequest({threadId: stopped.threadId});
        await viewer.output(/tick 50 150 hello\n/, 'stdout');
    },

    async programExits() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        await viewer.breakpoints();
        await viewer.evaluate('call main.wish = 1', frame.id);
        await viewer.client.continueRequest({threadId: stopped.threadId});
        if (atLeast(1, 27)) assert.equal((await viewer.event('exited')).exitCode, 3);
        await viewer.event('terminated');
        if (!plain) await viewer.output(/leaving with 3\n/);
    },

    async programPanics() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        await viewer.breakpoints();
        await viewer.evaluate('call main.wish = 2', frame.id);
        await viewer.client.continueRequest({threadId: stopped.threadId});
        const panic = await viewer.event('stopped');
        assert.equal(panic.reason, 'exception');
        assert.equal(panic.description, 'panic');
        assert.match(panic.text, /told to panic/);
        const info = (await viewer.client.exceptionInfoRequest({threadId: panic.threadId})).body;
        assert.match(info.description, /told to panic/);
    },

    // Two goroutines at one breakpoint: both are there to be seen.
    async twoGoroutinesAtOnce() {
        const viewer = new Viewer();
        const {stopped, frame} = await viewer.atTick();
        await viewer.breakpoints({line: lines.arrive});
        await viewer.evaluate('call main.wish = 5', frame.id);
        await viewer.client.continueRequest({threadId: stopped.threadId});
        const first = await viewer.event('stopped');
        await viewer.at(first, lines.arrive, 'main.arrive');
    },

    // What VS Code sends at the end of a session, in all its forms, and the next session after it.
    async endsAndAttachesAgain() {
        const ends = [
            viewer => viewer.client.disconnectRequest({restart: false, terminateDebuggee: false}),
            viewer => viewer.client.disconnectRequest({restart: false}),
            viewer => viewer.client.disconnectRequest(),
            viewer => viewer.vanish(),
        ];
        if (!plain) {
            ends.push(
                viewer => viewer.client.disconnectRequest({restart: false, terminateDebuggee: true}),  // Stop
                viewer => viewer.client.disconnectRequest({restart: true, terminateDebuggee: true}),   // Restart
                viewer => viewer.client.disconnectRequest({restart: true}),
            );
        }
        for (const end of ends) {
            for (const running of [false, true]) {
                const viewer = new Viewer();
                const {stopped} = await viewer.atTick();
                await viewer.breakpoints();
                if (running) await viewer.client.continueRequest({threadId: stopped.threadId});
                await end(viewer);
            }
        }
        await new Viewer().atTick();
    },

    async masksWhatWouldEndTheTarget() {
        const viewer = new Viewer();
        await viewer.atTick();
        assert.ok(!viewer.capabilities.supportsRestartRequest);
        assert.ok(!viewer.capabilities.supportTerminateDebuggee);
        assert.ok(!viewer.capabilities.supportsTerminateRequest);
        assert.deepEqual(viewer.seen('capabilities')
            .filter(event => event.body.capabilities.supportTerminateDebuggee), []);
    },
};

run(scenarios, Viewer);
