// Neovim: a Lua file in .nvim/ that gives nvim-dap an adapter, which starts `delvegate connect` by itself, and a configuration.
#include "gateway/ide.h"

namespace gateway {
namespace {

constexpr std::string_view directory = ".nvim", prefix = "delvegate-", suffix = ".lua";

std::string file_of(const std::string& component) {
    return std::string(directory) + "/" + std::string(prefix) + component + std::string(suffix);
}

// A string of Lua's, whatever is in it.
std::string lua_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += std::string("\\") + c;
        else if (byte < 0x20 || byte == 0x7F)
            out += "\\" + std::string(3 - std::to_string(byte).size(), '0') + std::to_string(byte);
        else
            out += c;
    }
    return out + "\"";
}

// The same, below the folder when it is there.
std::string path(const std::string& text, const std::string& folder) {
    if (text == folder) return "folder";
    const auto within = in_folder(text, folder, "");
    return within == text ? lua_string(text) : "folder .. " + lua_string(within);
}

std::string text_of(const ide_session& what, const std::string& folder) {
    std::string command = path(what.program, folder) + ", \"connect\", " + lua_string(what.component) +
                          ", \"--listen\", \"127.0.0.1:0\", \"--output\", \"json\"";
    for (const auto& word : what.connect) command += ", " + path(word, folder);
    if (!what.source.empty()) command += ", \"--source\", " + path(what.source, folder);
    std::string rules;
    for (const auto& rule : what.rules)
        rules += "\n    { from = " + path(rule.client, folder) + ", to = " + lua_string(rule.server) + " },";
    const auto& name = what.component;
    return "-- Written by `delvegate ide neovim " + name + "`, and taken out by the same with --remove.\n"
           "-- nvim-dap debugs " + name + " with it: load it with :luafile, or from .nvim.lua (:help exrc):\n"
           "--   dofile(\"" + file_of(name) + "\")\n"
           "local folder = vim.fn.fnamemodify(debug.getinfo(1, \"S\").source:sub(2), \":p:h:h\")\n"
           "local name = " + lua_string("delvegate: " + name) + "\n"
           "local command = { " + command + " }\n"
           "local rules = {" + rules + (rules.empty() ? "" : "\n") + "}\n" + R"(
local function say(line)
  vim.notify(line, vim.log.levels.ERROR)
end

-- One `delvegate connect` for as long as Neovim runs; who comes before it is ready waits.
local connect = { job = nil, ready = nil, waiting = {}, line = "" }

local function heard(_, pieces)
  connect.line = connect.line .. table.concat(pieces, "\n")
  local line = connect.line:match("^(.-)\n")
  if connect.ready or not line then
    return
  end
  connect.ready = vim.json.decode(line)
  local waiting = connect.waiting
  connect.waiting = {}
  for _, callback in ipairs(waiting) do
    callback({ type = "server", host = connect.ready.host, port = connect.ready.port })
  end
end

local function complained(_, pieces)
  for _, line in ipairs(pieces) do
    if line ~= "" then
      say(line)
    end
  end
end

local function ended(_, code)
  if not connect.ready then
    say(name .. ": delvegate connect ended with exit code " .. code)
  end
  connect = { job = nil, ready = nil, waiting = {}, line = "" }
end

local function adapter(callback)
  if connect.ready then
    return callback({ type = "server", host = connect.ready.host, port = connect.ready.port })
  end
  table.insert(connect.waiting, callback)
  if connect.job then
    return
  end
  local handlers = { on_stdout = heard, on_stderr = complained, on_exit = ended }
  local fine, job = pcall(vim.fn.jobstart, command, handlers)
  if fine and job > 0 then
    connect.job = job
  else
    connect.waiting = {}
    say(name .. ": cannot run " .. command[1] .. "; is it installed, and in PATH?")
  end
end

local found, dap = pcall(require, "dap")
if found then
  dap.adapters[name] = adapter
  local others = vim.tbl_filter(function(one)
    return one.name ~= name
  end, dap.configurations.go or {})
  table.insert(others, { name = name, type = name, request = "attach", mode = "remote", substitutePath = rules })
  dap.configurations.go = others
else
  say(name .. ": nvim-dap is not there; install it, and load this file again")
end
return { name = name, adapter = adapter }
)";
}

class neovim final : public ide {
public:
    or_reason<changes> write(const project_files& files, const ide_session& what) const override {
        return write_own_file(files, file_of(what.component), text_of(what, files.folder()));
    }
    or_reason<changes> remove(const project_files& files, const std::string& component) const override {
        return remove_own_file(files, file_of(component), std::nullopt);
    }
    or_reason<std::vector<std::string>> written(const project_files& files) const override {
        return names_between(files, std::string(directory), prefix, suffix);
    }
    std::vector<std::pair<std::string, std::string>> texts(const project_files& files, const ide_session& what) const override {
        return {{file_of(what.component), text_of(what, files.folder())}};
    }
    std::string heading(const std::string&) const override { return {}; }
    std::string next(const ide_session& what) const override {
        return "in Neovim, :luafile " + file_of(what.component) + ", then :lua require(\"dap\").continue()";
    }
    ide_ports ports(const project_files&) const override { return {}; }
};

}  // namespace

std::unique_ptr<ide> make_neovim() { return std::make_unique<neovim>(); }

}  // namespace gateway
