"""Every operation of both protocols in the forms that would do most, for the tests of roles."""

import json
import subprocess

from . import debuggee, tools

LOAD = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 64, "MaxArrayValues": 16, "MaxStructFields": -1}
SCOPE = {"GoroutineID": -1, "Frame": 0}
SOURCE = {"name": "main.go", "path": debuggee.MAIN}


def operations():
    """[(operation, protocol, set of classes)] as the binary under test lists them."""
    done = subprocess.run([tools.delvegate(), "policy", "operations", "--output", "json"], capture_output=True, check=True)
    return [(one["operation"], one["protocol"], set(one["classes"].split(", "))) for one in json.loads(done.stdout)]


def rpc(operation, breakpoint_id, evil, thread, goroutine, other):
    """Arguments of a JSON-RPC operation. `evil` is a path that nobody may make; `other` a goroutine."""
    if operation.startswith("Command "):
        name = operation.partition(" ")[2]
        forms = [{"name": name}, {"Name": name, "ReturnInfoLoadConfig": LOAD}]
        if name == "call":
            forms = [{"name": name, "expr": text, "goroutineID": goroutine, "ReturnInfoLoadConfig": LOAD, "unsafeCall": unsafe}
                     for text in ("main.describe(\"x\", 1)", "main.wish = main.callsTick()") for unsafe in (False, True)]
        if name.startswith("switch"):
            forms = [{"name": name, "threadID": thread, "goroutineID": other}]
        return forms
    here = {"file": debuggee.MAIN, "line": debuggee.line("use")}
    special = {
        "AmendBreakpoint": [{"Breakpoint": dict(here, id=breakpoint_id, Cond="false", name="mine")},
                            {"Breakpoint": dict(here, id=breakpoint_id, **{"continue": True})},
                            {"Breakpoint": {"id": -1, "disabled": True}}],
        "Ancestors": [{"GoroutineID": goroutine, "NumAncestors": 2, "Depth": 2}],
        "Checkpoint": [{"Where": "here"}],
        "ClearBreakpoint": [{"Id": breakpoint_id}, {"Id": -1}, {"Name": "unrecovered-panic"}],
        "Command": [{"name": "frobnicate"}, {}],
        "CreateBreakpoint": [{"Breakpoint": here}, {"breakpoint": dict(here, FUNCTIONNAME="main.use")},
                             {"Breakpoint": dict(here, **{"continue": True})},
                             {"Breakpoint": dict(here, Cond="n > 1")}, {"Breakpoint": dict(here, variables=["n"])},
                             {"Breakpoint": dict(here, **{"continue": True, "LoadLocals": LOAD})},
                             {"LocExpr": "main.use", "Breakpoint": {}}, {"Breakpoint": here, "Suspended": True},
                             {"Breakpoint": dict(here, customCommands=["source evil"])}],
        "CreateEBPFTracepoint": [{"FunctionName": "main.use"}],
        "CreateWatchpoint": [{"Scope": SCOPE, "Expr": "main.wish", "Type": kind} for kind in (1, 2, 3)],
        "DebugInfoDirectories": [{}, {"Set": True, "List": [evil]}],
        "Detach": [{"Kill": True}, {"Kill": False}, {}],
        "Disassemble": [{"Scope": SCOPE}],
        "DownloadLibraryDebugInfo": [{"N": 0}],
        "DumpStart": [{"Destination": evil}],
        "DumpWait": [{"Wait": 1}],
        "Eval": [{"Scope": SCOPE, "Expr": text, "Cfg": LOAD}
                 for text in ("n", "main.describe(\"x\", 1)", "main.wish = 1", "*(*int)(0xc000000000)")],
        "ExamineMemory": [{"Address": 0xc000000000, "Length": 16}],
        "FindLocation": [{"Scope": SCOPE, "Loc": text} for text in ("main.tick", "*n", f"{debuggee.MAIN}:10", "+1")],
        "FollowExec": [{"Enable": True}, {"Enable": False}],
        "FunctionReturnLocations": [{"FnName": "main.tick"}],
        "GetBreakpoint": [{"Id": breakpoint_id}, {"Name": "unrecovered-panic"}],
        "GetThread": [{"Id": thread}],
        "ListFunctions": [{"Filter": "^main\\.", "FollowCalls": 0}, {"Filter": "main.tick", "FollowCalls": 3}],
        "ListGoroutines": [{"Start": 0, "Count": 0}, {"Filters": [{"Kind": 5, "Arg": "a=b"}]}, {"GroupBy": 5, "GroupByKey": "a"},
                           {"Filters": [{"Kind": 8, "Arg": "n"}], "EvalScope": SCOPE}],
        "ListBreakpoints": [{"All": False}, {"All": True}],
        "ListFunctionArgs": [{"Scope": SCOPE, "Cfg": LOAD}],
        "ListLocalVars": [{"Scope": SCOPE, "Cfg": LOAD}],
        "ListPackageVars": [{"Filter": "^main\\.", "Cfg": LOAD}],
        "ListPackagesBuildInfo": [{"Filter": "^main$"}],
        "ListRegisters": [{"ThreadID": thread, "IncludeFp": True}],
        "ListSources": [{"Filter": "main"}],
        "ListTypes": [{"Filter": "^main\\."}],
        "Restart": [{}, {"Rebuild": True}, {"ResetArgs": True, "NewArgs": ["x"]}, {"NewRedirects": ["", evil, evil]},
                    {"Rerecord": True}],
        "Set": [{"Scope": SCOPE, "Symbol": "main.wish", "Value": "1"}, {"Scope": SCOPE, "Symbol": "n", "Value": "7"},
                {"scope": SCOPE, "SYMBOL": "*(*int)(0xc000000000)", "value": "1"}],
        "SetApiVersion": [{"APIVersion": 1}, {"APIVersion": 2}],
        "Stacktrace": [{"Id": goroutine, "Depth": 20}, {"Id": -1, "Depth": 20, "Full": True, "Cfg": LOAD, "Defers": True}],
        "State": [{"NonBlocking": True}],
        "ToggleBreakpoint": [{"Id": breakpoint_id}],
        "TypeInfo": [{"Name": "main.pod"}],
    }
    return special.get(operation, [{}])


def dap(operation, thread, frame, reference):
    """[(command, arguments)] of a DAP operation."""
    line = debuggee.line("use")
    if operation.startswith("evaluate"):
        texts = {
            "evaluate": ["n", "main.greeting", "main.wish = 1"],
            "evaluate call": ["call main.describe(\"x\", 1)", " \t call  main.callsTick()", "\ncall main.slow(0)"],
            "evaluate dlv config": ["dlv config -list", "dlv config showPprofLabels a", "dlv config followExec true"],
            "evaluate dlv sources": ["dlv sources main"],
            "evaluate dlv help": ["dlv help"],
            "evaluate dlv examinemem": ["dlv examinemem -count 8 0xc000000000", "dlv x -count 8 0xc000000000"],
            "evaluate dlv target": ["dlv target follow-exec -on", "dlv target list"],
            "evaluate dlv": ["dlv frobnicate"],
        }[operation]
        return [("evaluate", {"expression": text, "frameId": frame, "context": context})
                for text in texts for context in ("hover", "repl", "watch", "clipboard")]
    forms = {
        "setBreakpoints": [{"source": SOURCE, "breakpoints": [{"line": line}]},
                           {"source": SOURCE, "breakpoints": [{"line": line, "condition": "n > 1"}, {"line": line, "logMessage": "{n}"},
                                                              {"line": line, "logMessage": "here"}]},
                           {"source": SOURCE, "breakpoints": []}],
        "setFunctionBreakpoints": [{"breakpoints": [{"name": "main.use"}]}, {"breakpoints": []}],
        "setInstructionBreakpoints": [{"breakpoints": [{"instructionReference": "0x4a0000"}]}, {"breakpoints": []}],
        "setDataBreakpoints": [{"breakpoints": [{"dataId": f"{thread},0,main.wish", "accessType": "write"}]}, {"breakpoints": []}],
        "setExceptionBreakpoints": [{"filters": ["unrecovered-panic"]}, {"filters": []}],
        "dataBreakpointInfo": [{"name": "n", "frameId": frame}, {"name": "wish", "variablesReference": reference}],
        "stackTrace": [{"threadId": thread, "startFrame": 0, "levels": 20}],
        "scopes": [{"frameId": frame}],
        "variables": [{"variablesReference": reference}],
        "exceptionInfo": [{"threadId": thread}],
        "disassemble": [{"memoryReference": "0x4a0000", "instructionCount": 4}],
        "readMemory": [{"memoryReference": "0xc000000000", "count": 8}],
        "writeMemory": [{"memoryReference": "0xc000000000", "data": "AAAA"}],
        "setVariable": [{"variablesReference": reference, "name": "n", "value": "7"},
                        {"variablesReference": reference, "name": "prefix", "value": "\"x\""}],
        "setExpression": [{"expression": "main.wish", "value": "1", "frameId": frame}],
        "restart": [{}, {"arguments": {"request": "launch", "rebuild": False}}],
        "disconnect": [{"terminateDebuggee": True}, {"restart": True, "terminateDebuggee": True}, {}],
        "launch": [{"mode": "exec", "program": "/bin/true"}],
        "attach": [{"mode": "local", "processId": 1}, {"mode": "remote"}],
        "goto": [{"threadId": thread, "targetId": 1}],
    }
    plain = {"threadId": thread} if operation in ("continue", "next", "stepIn", "stepOut", "pause", "stepBack",
                                                  "reverseContinue", "terminateThreads") else {}
    return [(operation, arguments) for arguments in forms.get(operation, [plain])]
