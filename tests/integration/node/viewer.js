// A viewer that attaches the way VS Code does, on top of the DAP client library.
'use strict';

const assert = require('node:assert/strict');
const {createRequire} = require('node:module');
// node_modules lives in the build tree, not beside this file.
const {DebugClient} = createRequire(process.env.NODE_PACKAGES + '/')('@vscode/debugadapter-testsupport');

const port = Number(process.env.PORT);
const source = process.env.SOURCE;
const lines = JSON.parse(process.env.LINES);
const plain = process.env.PLAIN === '1';
const version = process.env.VERSION.split('.').map(Number);

const atLeast = (major, minor) => version[0] > major || (version[0] === major && version[1] >= minor);

// launch.json as the Go extension resolves it.
const configuration = {
    name: 'Attach', type: 'go', request: 'attach', mode: 'remote', debugAdapter: 'dlv-dap', host: '127.0.0.1', port,
    __configurationTarget: 6, packagePathToGoModPathMap: {}, showRegisters: false, showGlobalVariables: false,
    substitutePath: [], showLog: false, logOutput: 'debugger', dlvFlags: [], hideSystemGoroutines: false,
    dlvToolPath: '/home/alice/go/bin/dlv', env: {GOPATH: '/home/alice/go'},
    __sessionId: '8f9e5b55-7c9a-4bd3-9b60-1a2b3c4d5e6f',
};

class Viewer {
    constructor(at = port) {
        this.port = at;
        this.client = new DebugClient('node', 'unused', 'go');
        this.events = [];
        this.cursor = 0;
        this.wakers = [];
        this.trace = [];
        Viewer.all.push(this);
        const send = this.client.send.bind(this.client);
        this.client.send = (command, args) => {
            const note = text => this.trace.push(`${command} ${text}`.slice(0, 300));
            note(`-> ${JSON.stringify(args)}`);
            const answer = send(command, args);
            answer.then(response => note(`<- ${JSON.stringify(response.body)}`), error => note(`<- refused: ${error.message}`));
            return answer;
        };
        const doSend = this.client.doSend.bind(this.client);
        this.client.doSend = (command, args, done) => doSend(command, args, response => {
            if (!response.success) this.shown = response.body?.error?.format;
            done(response);
        });
        for (const name of ['initialized', 'stopped', 'continued', 'exited', 'terminated', 'thread', 'output',
            'breakpoint', 'invalidated', 'capabilities', 'process']) {
            this.client.on(name, event => {
                this.events.push(event);
                this.trace.push(`event ${name} ${JSON.stringify(event.body)}`.slice(0, 300));
                this.wakers.splice(0).forEach(wake => wake());
            });
        }
    }

    static all = [];

    // The next event of that name (and for which accept holds), in the order of arrival: none is missed.
    async event(name, accept = () => true) {
        for (;;) {
            for (let i = this.cursor; i < this.events.length; ++i) {
                if (this.events[i].event === name && accept(this.events[i].body)) {
                    this.cursor = i + 1;
                    return this.events[i].body;
                }
            }
            await new Promise(resolve => this.wakers.push(resolve));
        }
    }

    // Output is not ordered with stops; look at all of it.
    async output(pattern, category) {
        for (;;) {
            const text = this.events.filter(e => e.event === 'output' && (!category || e.body.category === category))
                .map(e => e.body.output).join('');
            if (pattern.test(text)) return text;
            await new Promise(resolve => this.wakers.push(resolve));
        }
    }

    seen(name) {
        return this.events.filter(event => event.event === name);
    }

    // Starts a session; configure() runs where VS Code sends its breakpoints.
    async attach(configure = async () => {}, more = {}) {
        await this.client.start(this.port);
        const initialized = await this.client.initializeRequest({
            clientID: 'vscode', clientName: 'Visual Studio Code', adapterID: 'go', pathFormat: 'path',
            linesStartAt1: true, columnsStartAt1: true, supportsVariableType: true, supportsVariablePaging: true,
            supportsRunInTerminalRequest: true, locale: 'en', supportsProgressReporting: true,
            supportsInvalidatedEvent: true, supportsMemoryReferences: true, supportsMemoryEvent: true,
            supportsArgsCanBeInterpretedByShell: true, supportsStartDebuggingRequest: true,
            supportsANSIStyling: true,
        });
        this.capabilities = initialized.body;
        const attaching = this.client.attachRequest({...configuration, port: this.port, ...more});
        await this.event('initialized');
        await configure();
        await Promise.all([attaching, this.client.configurationDoneRequest()]);
        return this;
    }

    // Breakpoints of main.go: all that are to be set from now on.
    async breakpoints(...wanted) {
        const response = await this.client.setBreakpointsRequest({
            source: {name: 'main.go', path: source}, lines: wanted.map(b => b.line), breakpoints: wanted,
            sourceModified: false,
        });
        return response.body.breakpoints;
    }

    async frames(threadId, levels = 20) {
        return (await this.client.stackTraceRequest({threadId, startFrame: 0, levels})).body.stackFrames;
    }

    async locals(frameId) {
        const scopes = (await this.client.scopesRequest({frameId})).body.scopes;
        const reference = scopes.find(scope => scope.name.startsWith('Locals')).variablesReference;
        return {reference, variables: await this.variables(reference)};
    }

    async variables(variablesReference, more = {}) {
        return (await this.client.variablesRequest({variablesReference, ...more})).body.variables;
    }

    async evaluate(expression, frameId, context = 'repl') {
        return (await this.client.evaluateRequest({expression, frameId, context})).body;
    }

    async step(command, threadId) {
        await this.client.send(command, {threadId});
        return this.event('stopped');
    }

    // The error a request must be refused with.
    async refused(promise) {
        return promise.then(response => assert.fail(`was not refused: ${JSON.stringify(response)}`),
            error => error.message);
    }

    // What the person is shown of it.
    async refusal(promise) {
        await this.refused(promise);
        return this.shown;
    }

    async at(stopped, line, functionName) {
        const [frame] = await this.frames(stopped.threadId, 1);
        assert.equal(frame.line, line);
        assert.equal(frame.source.path, source);
        if (functionName) assert.equal(frame.name, functionName);
        return frame;
    }

    // A stop at the marker `tick` right after attaching.
    async atTick(more = {}) {
        let verified;
        await this.attach(async () => { [verified] = await this.breakpoints({line: lines.tick, ...more}); });
        assert.equal(verified.verified, true, JSON.stringify(verified));
        assert.equal(verified.line, lines.tick);
        let stopped = await this.event('stopped');
        if (!(stopped.hitBreakpointIds ?? []).includes(verified.id)) {
            // It stood here when we came, at nothing of ours: from now on it runs into what we set.
            assert.deepEqual(stopped.hitBreakpointIds ?? [], []);
            await this.client.continueRequest({threadId: stopped.threadId});
            stopped = await this.event('stopped');
        }
        assert.equal(stopped.reason, 'breakpoint');
        assert.equal(stopped.allThreadsStopped, true);
        assert.deepEqual(stopped.hitBreakpointIds, [verified.id]);
        const frame = await this.at(stopped, lines.tick, 'main.tick');
        return {stopped, frame, breakpoint: verified};
    }

    // The socket just goes away, as when the extension host is killed.
    vanish() {
        this.client._socket.destroy();
    }
}

module.exports = {Viewer, assert, lines, plain, source, atLeast, port};
