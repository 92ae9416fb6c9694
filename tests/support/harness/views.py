"""What a client sees of a stop, in a form that two of them can be compared in: one through the gateway, one of dlv itself."""

LOAD = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 64, "MaxArrayValues": 16, "MaxStructFields": -1}
# Handles, which each session counts for itself.
OWN = ("id", "variablesReference")


def position(state):
    """Where a DebuggerState says that the target stands."""
    thread = state.get("currentThread") or {}
    goroutine = state.get("currentGoroutine") or {}
    return {"goroutine": goroutine.get("id", 0), "thread": thread.get("id"), "pc": thread.get("pc"), "file": thread.get("file"),
            "line": thread.get("line"), "next": state.get("NextInProgress"), "breakpoint": (thread.get("breakPoint") or {}).get("line"),
            "threads": sorted((one["id"], one["pc"]) for one in state.get("Threads") or [])}


def rpc_looks(goroutine, expressions, frames=2):
    """[(method, argument)] that answer alike whoever asks."""
    looks = [("Stacktrace", {"Id": goroutine, "Depth": 20, "Full": True, "Cfg": LOAD}), ("ListThreads", {}),
             ("ListGoroutines", {"Start": 0, "Count": 0}), ("ListRegisters", {"Scope": {"GoroutineID": goroutine, "Frame": 0}})]
    for frame in range(frames):
        scope = {"GoroutineID": goroutine, "Frame": frame}
        looks += [("ListLocalVars", {"Scope": scope, "Cfg": LOAD}), ("ListFunctionArgs", {"Scope": scope, "Cfg": LOAD})]
        looks += [("Eval", {"Scope": scope, "Expr": expression, "Cfg": LOAD}) for expression in expressions]
    return looks


def rpc_view(client, looks):
    """The answers to all of them, errors as their text."""
    numbers = [client.send(method, argument) for method, argument in looks]
    seen = []
    for (method, argument), number in zip(looks, numbers):
        reply = client.reply(number)
        result = reply["result"] if reply["error"] is None else {"error": reply["error"]}
        for key in ("Threads", "Goroutines"):
            if isinstance(result.get(key), list):
                result[key].sort(key=lambda one: one["id"])
        for thread in result.get("Threads") or []:
            # Its id, its condition and whose it is are shown to each as they have it.
            if thread.get("breakPoint"):
                thread["breakPoint"] = {key: thread["breakPoint"][key] for key in ("file", "line", "addr")}
        seen.append((method, argument, result))
    return seen


def without_breakpoints(look):
    method, argument, result = look
    threads = [{key: value for key, value in one.items() if key != "breakPoint"} for one in result.get("Threads") or []]
    return method, argument, dict(result, Threads=threads) if threads else result


def without_handles(value):
    if isinstance(value, dict):
        return {key: without_handles(one) for key, one in value.items() if key not in OWN}
    if isinstance(value, list):
        return [without_handles(one) for one in value]
    return value


class DapView:
    """All that an IDE shows of a stop: threads, the stack, the first frames' scopes with their variables, watches."""

    def __init__(self, viewer, goroutine, expressions, frames=2):
        self.viewer = viewer
        self.seen = []
        self.references = []
        self.frames = []
        threads = self.ask("threads")["threads"]
        self.seen[-1] = ("threads", None, sorted((one["id"], one["name"]) for one in threads))
        stack = self.ask("stackTrace", {"threadId": goroutine, "startFrame": 0, "levels": 20})
        self.stack = [(one["name"], one.get("source", {}).get("path"), one["line"]) for one in stack.get("stackFrames", [])]
        self.frames = [one["id"] for one in stack.get("stackFrames", [])]
        for number, frame in enumerate(self.frames[:frames]):
            for scope in self.ask("scopes", {"frameId": frame}, number).get("scopes", []):
                self.look_into(scope["variablesReference"], scope["name"], 2)
            for expression in expressions:
                self.ask("evaluate", {"expression": expression, "frameId": frame, "context": "watch"}, (number, expression))

    def look_into(self, reference, name, depth):
        if reference == 0 or depth == 0:
            return
        self.references.append(reference)
        for one in self.ask("variables", {"variablesReference": reference}, name).get("variables", []):
            self.look_into(one["variablesReference"], f"{name}.{one['name']}", depth - 1)

    def ask(self, command, arguments=None, what=None):
        response = self.viewer.response(self.viewer.send(command, arguments))
        body = response.get("body", {}) if response["success"] else {"error": response["body"]["error"]["format"]}
        self.seen.append((command, what, without_handles(body)))
        return body
