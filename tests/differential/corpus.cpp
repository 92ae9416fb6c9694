#include "differential/corpus.h"

namespace differential {
namespace {

using namespace std::string_literals;

// One JSON-RPC argument in a request of that method.
std::string rpc(const std::string& method, const std::string& argument) {
    return "{\"method\":\"RPCServer." + method + "\",\"params\":[" + argument + "],\"id\":7}";
}

std::string dap(const std::string& command, const std::string& arguments) {
    return "{\"seq\":3,\"type\":\"request\",\"command\":\"" + command + "\",\"arguments\":" +
           arguments + "}";
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

std::vector<corpus_entry> rpc_entries() {
    const auto eval = [](const std::string& argument) { return rpc("Eval", argument); };
    return {
        // Clients as they are.
        {'r', true, R"({"method":"RPCServer.SetApiVersion","params":[{"APIVersion":2}],"id":0})" "\n"},
        {'r', true, R"({"method":"RPCServer.State","params":[{"NonBlocking":true}],"id":1})"},
        {'r', true, R"({"method":"RPCServer.Command","params":[{"Name":"continue"}],"id":3})"},
        {'r', true, rpc("Command", R"({"name":"next","ReturnInfoLoadConfig":{"FollowPointers":true,"MaxVariableRecurse":1,"MaxStringLen":64,"MaxArrayValues":64,"MaxStructFields":-1},"WithEvents":true})")},
        {'r', true, rpc("Stacktrace", R"({"Id":-1,"Depth":100,"Full":false,"Defers":false,"Opts":0,"Cfg":null})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"file":"/src/main.go","line":26,"continue":false,"LoadArgs":null},"LocExpr":"","SubstitutePathRules":[["/a","/b"]],"Suspended":false})")},
        {'r', true, rpc("ListGoroutines", R"({"Start":0,"Count":0,"Filters":null,"GroupBy":0,"GroupByKey":"","MaxGroupMembers":0,"MaxGroups":0,"EvalScope":{"GoroutineID":-1}})")},
        {'r', true, rpc("GuessSubstitutePath", R"({"Args":{"ImportPathOfMainPackage":"a","ClientGOROOT":"/go","ClientModuleDirectories":{"A":"1","a":"2"}}})")},
        // The request object.
        {'r', true, R"({"id":7,"params":[{}],"method":"RPCServer.State"})"},
        {'r', true, R"({"jsonrpc":"2.0","extra":{"x":[1]},"method":"RPCServer.State","params":[{}],"id":7})"},
        {'r', true, R"({"METHOD":"RPCServer.State","Params":[{}],"ID":7})"},
        {'r', true, "{\"method\":\"RPCServer.State\",\"param\xc5\xbf\":[{}],\"id\":7}"},
        {'r', true, R"({"method":"RPCServer.\u0053tate","params":[{}],"id":7})"},
        {'r', true, R"({"\u006dethod":"RPCServer.State","params":[{}],"id":7})"},
        {'r', true, R"({"method":"RPCServer.State","params":[],"id":7})"},
        {'r', true, R"({"method":"RPCServer.State","params":[null],"id":7})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{},1,"x",{"NonBlocking":7}],"id":7})"},
        {'r', true, R"({"method":"RPCServer.State","params":null,"id":7})"},
        {'r', true, R"({"method":"RPCServer.State","id":7})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{}]})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{}],"id":null})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{}],"id":1.0e3})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{}],"id":12345678901234567890123})"},
        {'r', true, R"({"method":"RPCServer.State","params":[{}],"id":"a\u0000\"<&>é"})"},
        {'r', true, " \t\r\n{ \"method\" : \"RPCServer.State\" , \"params\" : [ { } ] , \"id\" : 7 } \n"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":[1]})"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":{}})"},
        {'r', false, R"({"method":"RPCServer.State","params":{},"id":7})"},
        {'r', false, R"({"method":"RPCServer.State","params":"x","id":7})"},
        {'r', false, R"({"method":"RPCServer.State","params":[[]],"id":7})"},
        {'r', false, R"({"method":"RPCServer.State","params":["x"],"id":7})"},
        {'r', false, R"({"method":5,"params":[{}],"id":7})"},
        {'r', false, R"({"method":null,"params":[{}],"id":7})"},
        {'r', false, R"({"params":[{}],"id":7})"},
        {'r', false, R"({"method":"RPCServer.state","params":[{}],"id":7})"},
        {'r', false, R"({"method":"RPCServer.Nope","params":[{}],"id":7})"},
        {'r', false, R"({"method":"State","params":[{}],"id":7})"},
        {'r', false, R"({"method":" RPCServer.State","params":[{}],"id":7})"},
        {'r', false, R"({"method":"RPCServer.State","Method":"RPCServer.Set","params":[{}],"id":7})"},
        {'r', false, R"({"method":"RPCServer.State","method":"RPCServer.State","params":[{}],"id":7})"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"PARAMS":[{}],"id":7})"},
        {'r', false, "{\"method\":\"RPCServer.State\",\"params\":[{}],\"param\xc5\xbf\":[{}],\"id\":7}"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":7,"Id":8})"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":7,})"},
        {'r', false, R"([{"method":"RPCServer.State","params":[{}],"id":7}])"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":7}})"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":7}{})"},
        {'r', false, R"({"method":"RPCServer.State","params":[{}],"id":7)"},
        {'r', false, "\xef\xbb\xbf" R"({"method":"RPCServer.State","params":[{}],"id":7})"},
        {'r', false, "{\"method\":\"RPCServer.State\",\"params\":[{}],\"id\":7}\0"s},
        {'r', false, "\xc2\xa0{\"method\":\"RPCServer.State\",\"params\":[{}],\"id\":7}"},
        {'r', false, "{\"method\":\"RPCServer.State\",\"params\":[{}],\"id\":7}\v"},
        {'r', false, ""},
        {'r', false, "null"},
        // Keys of arguments.
        {'r', true, eval(R"({"EXPR":"x","scope":{"FRAME":2,"goroutineid":-1}})")},
        {'r', true, "{\"method\":\"RPCServer.ListTargets\",\"params\":[{\"\xe2\x84\xaa\":1,\"k2\":2}],\"id\":7}"},
        {'r', true, eval(R"({"Expr":"x","Unknown":1,"unknown2":{"Frame":"x"}})")},
        {'r', false, eval(R"({"Expr":"x","expr":"y"})")},
        {'r', false, eval(R"({"Expr":"x","Expr":"x"})")},
        {'r', false, eval(R"({"Scope":{"Frame":1,"frame":2}})")},
        {'r', false, "{\"method\":\"RPCServer.Eval\",\"params\":[{\"Scope\":{},\"\xc5\xbf" "cope\":{}}],\"id\":7}"},
        {'r', true, "{\"method\":\"RPCServer.Eval\",\"params\":[{\"\xc5\xbf" "cope\":{\"Frame\":1}}],\"id\":7}"},
        {'r', false, rpc("AmendBreakpoint", R"({"Breakpoint":{"id":1,"continue":true,"Continue":false}})")},
        // Integers.
        {'r', true, eval(R"({"Scope":{"GoroutineID":9223372036854775807}})")},
        {'r', true, eval(R"({"Scope":{"GoroutineID":-9223372036854775808}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":9223372036854775808}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":-9223372036854775809}})")},
        {'r', true, eval(R"({"Scope":{"GoroutineID":-0}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":1.0}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":1e3}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":01}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":+1}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":"1"}})")},
        {'r', false, eval(R"({"Scope":{"GoroutineID":true}})")},
        {'r', false, eval(R"({"Scope":{"Frame":-1}})")},
        {'r', true, rpc("ExamineMemory", R"({"Address":18446744073709551615,"Length":8})")},
        {'r', false, rpc("ExamineMemory", R"({"Address":18446744073709551616,"Length":8})")},
        {'r', false, rpc("ExamineMemory", R"({"Address":-1,"Length":8})")},
        {'r', false, rpc("ExamineMemory", R"({"Address":-0,"Length":8})")},
        {'r', false, rpc("ExamineMemory", R"({"Address":1,"Length":-1})")},
        {'r', true, rpc("CreateWatchpoint", R"({"Expr":"x","Type":255})")},
        {'r', false, rpc("CreateWatchpoint", R"({"Expr":"x","Type":256})")},
        {'r', true, rpc("Stacktrace", R"({"Opts":65535})")},
        {'r', false, rpc("Stacktrace", R"({"Opts":65536})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"addr":13757652436686733312,"addrs":[9007199254740993,18446744073709551615]}})")},
        // null, [] and what is missing.
        {'r', true, rpc("ListFunctions", "null")},
        {'r', true, eval(R"({"Scope":null,"Expr":null,"Cfg":null})")},
        {'r', true, eval(R"({"Cfg":{}})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"addrs":[],"addrpid":null,"variables":[null,"x"],"VerboseDescr":[]}})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"addrs":[null,1]},"SubstitutePathRules":[null,[],["a"],["a","b","c"],["a","b",3],[null,"b"]]})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"hitCount":{"1":2,"3":null}}})")},
        {'r', true, rpc("ListGoroutines", R"({"Filters":[null,{}]})")},
        {'r', true, rpc("Restart", R"({"NewRedirects":["","",""],"NewArgs":null})")},
        {'r', true, rpc("Restart", R"({"NewRedirects":[]})")},
        {'r', false, rpc("Restart", R"({"NewRedirects":["",3]})")},
        {'r', false, rpc("CreateBreakpoint", R"({"SubstitutePathRules":[["a",3]]})")},
        {'r', false, rpc("CreateBreakpoint", R"({"SubstitutePathRules":{}})")},
        {'r', false, rpc("CreateBreakpoint", R"({"Breakpoint":[]})")},
        {'r', false, rpc("CreateBreakpoint", R"({"Breakpoint":{"variables":"x"}})")},
        {'r', false, rpc("CreateBreakpoint", R"({"Breakpoint":{"customCommands":["source x"]}})")},
        {'r', true, rpc("CreateBreakpoint", R"({"Breakpoint":{"customCommands":[]}})")},
        // Strings.
        {'r', true, eval(R"({"Expr":"\u0041\/\b\f\n\r\t\"\\\u0000\u007f\u2028"})")},
        {'r', true, eval(R"({"Expr":"\ud83d\ude00 \u00e9"})")},
        {'r', true, eval("{\"Expr\":\"\x7f \xe2\x80\xa8 \xf0\x9f\x98\x80 \xef\xbf\xbf\"}")},
        {'r', false, eval(R"({"Expr":"\ud83d"})")},
        {'r', false, eval(R"({"Expr":"\ud83d\u0041"})")},
        {'r', false, eval(R"({"Expr":"\ude00\ud83d"})")},
        {'r', false, eval(R"({"Expr":"\x41"})")},
        {'r', false, eval(R"({"Expr":"\u00g0"})")},
        {'r', false, eval("{\"Expr\":\"\n\"}")},
        {'r', false, eval("{\"Expr\":\"\0\"}"s)},
        {'r', false, eval("{\"Expr\":\"\xff\"}")},
        {'r', false, eval("{\"Expr\":\"\xc0\x80\"}")},
        {'r', false, eval("{\"Expr\":\"\xed\xa0\x80\"}")},
        {'r', false, eval("{\"\xff\":1}")},
        {'r', false, eval(R"({'Expr':"x"})")},
        // Depth.
        {'r', true, eval(R"({"x":)" + nested(50) + "}")},
        {'r', false, eval(R"({"x":)" + nested(70) + "}")},
        {'r', false, eval(R"({"x":)" + nested(10'001) + "}")},
        // What is judged by its values.
        {'r', false, rpc("Command", R"({"name":"frobnicate"})")},
        {'r', false, rpc("Command", R"({"name":""})")},
        {'r', false, rpc("Command", R"({"name":"Halt"})")},
        {'r', false, rpc("Command", R"({"name":"halt\u0000"})")},
        {'r', true, rpc("Command", R"({"name":"h\u0061lt"})")},
        {'r', false, rpc("Command", R"({"name":"rewind"})")},
        {'r', false, rpc("Command", R"({"name":"next","threadID":"1"})")},
    };
}

std::vector<corpus_entry> dap_entries() {
    const auto attach = [](const std::string& arguments) { return dap("attach", arguments); };
    const auto evaluate = [](const std::string& expression) {
        return dap("evaluate", "{\"expression\":\"" + expression + "\",\"context\":\"hover\"}");
    };
    return {
        // Clients as they are.
        {'d', true, R"({"command":"initialize","arguments":{"clientID":"vscode","clientName":"Visual Studio Code","adapterID":"go","pathFormat":"path","linesStartAt1":true,"columnsStartAt1":true,"supportsVariableType":true,"supportsVariablePaging":true,"supportsRunInTerminalRequest":true,"locale":"en","supportsProgressReporting":true,"supportsInvalidatedEvent":true,"supportsMemoryReferences":true,"supportsArgsCanBeInterpretedByShell":true,"supportsMemoryEvent":true,"supportsStartDebuggingRequest":true,"supportsANSIStyling":true},"type":"request","seq":1})"},
        {'d', true, attach(R"({"name":"x","type":"go","debugAdapter":"dlv-dap","request":"attach","mode":"remote","host":"127.0.0.1","port":2345,"__configurationTarget":6,"packagePathToGoModPathMap":{},"showRegisters":false,"showGlobalVariables":true,"substitutePath":[{"from":"/a","to":"/b"}],"showLog":false,"logOutput":"debugger","dlvFlags":[],"hideSystemGoroutines":false,"dlvToolPath":"/x","env":{"HTTP_PROXY":"a","http_proxy":"b"},"__sessionId":"u"})")},
        {'d', true, dap("setBreakpoints", R"({"source":{"name":"main.go","path":"/a/main.go"},"lines":[26],"breakpoints":[{"line":26}],"sourceModified":false})")},
        {'d', true, R"({"command":"configurationDone","type":"request","seq":9})"},
        {'d', true, R"({"command":"threads","type":"request","seq":9})"},
        {'d', true, dap("threads", "{\"threadId\":\"ignored\"}")},
        {'d', true, dap("stackTrace", R"({"threadId":1,"startFrame":0,"levels":1,"format":{"hex":true,"line":true}})")},
        {'d', true, dap("scopes", R"({"frameId":1000})")},
        {'d', true, dap("variables", R"({"variablesReference":1001,"filter":"indexed","start":0,"count":2})")},
        {'d', true, dap("evaluate", R"({"expression":"msg","frameId":1000,"context":"hover","line":3,"column":4,"source":{"path":"vscode-remote://x"}})")},
        {'d', true, dap("disconnect", R"({"restart":true,"terminateDebuggee":true})")},
        {'d', true, R"({"command":"disconnect","type":"request","seq":9})"},
        {'d', true, dap("pause", R"({"threadId":-1})")},
        // The message.
        {'d', true, R"({"SEQ":3,"Type":"request","COMMAND":"threads"})"},
        {'d', true, R"({"seq":3,"type":"r\u0065quest","command":"threads","event":"","success":false})"},
        {'d', true, R"({"seq":9223372036854775807,"type":"request","command":"threads"})"},
        {'d', false, R"({"seq":9223372036854775808,"type":"request","command":"threads"})"},
        {'d', false, R"({"seq":9.5,"type":"request","command":"threads"})"},
        {'d', false, R"({"seq":"9","type":"request","command":"threads"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"threads","event":5})"},
        {'d', false, R"({"seq":3,"type":"request","command":"threads","success":"x"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"threads","Command":"pause"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"foo","command":"threads"})"},
        {'d', false, R"({"seq":3,"type":"response","command":"threads"})"},
        {'d', false, R"({"seq":3,"type":"event","event":"stopped"})"},
        {'d', false, R"({"seq":3,"command":"threads"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"Threads"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"foo"})"},
        {'d', false, R"({"seq":3,"type":"request","command":"threads"} x)"},
        {'d', false, R"([])"},
        {'d', false, ""},
        // Arguments.
        {'d', true, dap("stackTrace", "null")},
        {'d', false, dap("stackTrace", "[]")},
        {'d', false, dap("stackTrace", "7")},
        {'d', true, dap("stackTrace", "{\"THREADID\":3}")},
        {'d', false, dap("stackTrace", R"({"threadId":3,"threadid":4})")},
        {'d', false, dap("stackTrace", R"({"threadId":"3"})")},
        {'d', false, dap("stackTrace", R"({"threadId":3.0})")},
        {'d', false, dap("stackTrace", R"({"threadId":3,"format":[]})")},
        {'d', false, dap("stackTrace", R"({"threadId":3,"format":{"hex":1}})")},
        {'d', true, dap("stackTrace", R"({"threadId":3,"format":null,"levels":null})")},
        {'d', true, dap("continue", R"({"threadId":9223372036854775807})")},
        {'d', false, dap("continue", R"({"threadId":9223372036854775808})")},
        {'d', false, dap("configurationDone", "[]")},
        {'d', false, dap("variables", R"({"variablesReference":1,"count":-1})")},
        {'d', false, dap("disassemble", R"({"memoryReference":"0x1","instructionCount":-1})")},
        {'d', true, dap("setBreakpoints", R"({"source":{"path":"/a","sources":[{"sources":null}],"adapterData":[{"a":1}],"checksums":[{}],"origin":"x"},"breakpoints":[null]})")},
        {'d', false, dap("setBreakpoints", R"({"source":{"path":"/a","sources":[{"sources":[{"line":1,"name":2}]}]}})")},
        {'d', false, dap("setBreakpoints", R"({"source":{"path":"/a","checksums":{}}})")},
        {'d', false, dap("setBreakpoints", R"({"source":{"path":"/a"},"breakpoints":[{"line":"26"}]})")},
        {'d', false, dap("setBreakpoints", R"({"source":{"path":"/a"},"breakpoints":[{"line":26,"Line":27}]})")},
        {'d', true, dap("setBreakpoints", R"({"source":{"path":"/a"},"breakpoints":[{"line":26,"logMessage":"x {y}"}]})")},
        {'d', true, dap("setDataBreakpoints", R"({"breakpoints":[{"dataId":"-1,0,x","accessType":"write"}]})")},
        {'d', false, dap("setDataBreakpoints", R"({"breakpoints":[{"dataId":"-1,-1,x"}]})")},
        {'d', false, dap("setDataBreakpoints", R"({"breakpoints":[{"dataId":"-1,0x7fffffff,x"}]})")},
        // attach, which go-dap leaves to Delve.
        {'d', false, attach("{}")},
        {'d', false, attach("null")},
        {'d', false, attach(R"({"mode":"local","processId":1})")},
        {'d', false, attach(R"({"mode":"Remote"})")},
        {'d', true, attach(R"({"MODE":"remote","STOPONENTRY":true})")},
        {'d', false, attach(R"({"mode":"remote","Mode":"local"})")},
        {'d', false, attach(R"({"mode":"remote","stopOnEntry":"yes"})")},
        {'d', false, attach(R"({"mode":"remote","processId":"1"})")},
        {'d', false, attach(R"({"mode":"remote","backend":1})")},
        {'d', true, attach(R"({"mode":"remote","substitutePath":null})")},
        {'d', true, attach(R"({"mode":"remote","substitutePath":[{"FROM":"","to":"","x":1}]})")},
        {'d', false, attach(R"({"mode":"remote","substitutePath":[{"from":"a"}]})")},
        {'d', false, attach(R"({"mode":"remote","substitutePath":[{"from":"a","to":null}]})")},
        {'d', false, attach(R"({"mode":"remote","substitutePath":[null]})")},
        {'d', false, attach(R"({"mode":"remote","substitutePath":{"from":"a","to":"b"}})")},
        {'d', true, attach(R"({"mode":"remote","guessSubstitutePath":{"ClientModuleDirectories":{"a":"/a","A":"/b"}}})")},
        {'d', false, attach(R"({"mode":"remote","guessSubstitutePath":{"ClientModuleDirectories":["a"]}})")},
        {'d', true, attach(R"({"mode":"remote","showPprofLabels":["*",null]})")},
        {'d', true, attach(R"({"mode":"remote","followExec":true,"stackTraceDepth":-5})")},
        // evaluate
        {'d', true, evaluate("x")},
        {'d', true, evaluate("call f()")},
        {'d', true, evaluate("dlv help")},
        {'d', false, evaluate("dlv target list")},
        {'d', false, evaluate("dlv config followExec true")},
        {'d', false, dap("evaluate", R"({"expression":7})")},
        {'d', true, dap("evaluate", "{\"expre\xc5\xbf\xc5\xbfion\":\"x\"}")},
        // Not offered.
        {'d', false, dap("launch", R"({"mode":"exec","program":"/bin/sh"})")},
        {'d', false, dap("restart", "{}")},
        {'d', false, dap("source", R"({"sourceReference":1})")},
        {'d', false, dap("initialize", R"({"pathFormat":"uri","linesStartAt1":true,"columnsStartAt1":true})")},
    };
}

}  // namespace

const std::vector<corpus_entry>& corpus() {
    static const std::vector<corpus_entry> all = [] {
        auto entries = rpc_entries();
        auto more = dap_entries();
        entries.insert(entries.end(), more.begin(), more.end());
        return entries;
    }();
    return all;
}

const std::vector<std::string>& frame_headers() {
    static const std::vector<std::string> headers{
        "Content-Length: %N\r\n\r\n",
        "Content-Length: %N\r\n\r\n",
        "content-length: %N\r\n\r\n",
        "Content-Length:%N\r\n\r\n",
        "Content-Length:  %N\r\n\r\n",
        "Content-Length: %N \r\n\r\n",
        " Content-Length: %N\r\n\r\n",
        "Content-Length : %N\r\n\r\n",
        "Content-Length: 0%N\r\n\r\n",
        "Content-Length: +%N\r\n\r\n",
        "Content-Length: -%N\r\n\r\n",
        "Content-Length: %N0\r\n\r\n",
        "Content-Length: 1\r\nContent-Length: %N\r\n\r\n",
        "Content-Length: %N\r\nContent-Length: %N\r\n\r\n",
        "Content-Length: %N\r\nContent-Type: application/json\r\n\r\n",
        "Content-Type: application/json\r\nContent-Length: %N\r\n\r\n",
        "Content-Length: %N\n\n",
        "Content-Length: %N\r\n\n",
        "Content-Length: %N\r\r\n\r\n",
        "\r\n\r\nContent-Length: %N\r\n\r\n",
        "Content-Length: \r\n\r\n",
        "Content-Length: 18446744073709551616\r\n\r\n",
        "Content-Length: %N\r\n \r\n\r\n",
        "X: Content-Length: %N\r\n\r\n",
    };
    return headers;
}

}  // namespace differential
