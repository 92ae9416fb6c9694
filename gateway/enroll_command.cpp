#include "gateway/enroll_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>

#include "gateway/contexts.h"
#include "gateway/enroll.h"
#include "gateway/output_option.h"

namespace gateway {
namespace {

constexpr std::size_t most = 4096;  // bytes read for a token; more is none

struct arguments {
    enroll_options options;
    std::string where;
    std::string token_file;
};

int complain(const std::string& text, enroll_exit code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return static_cast<int>(code);
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The first line, or all there is; a token is one word.
auth::outcome<void> read_line(int fd, const std::string& name, std::string& token) {
    std::string text;
    text.reserve(most + 1);  // so that no copy of it is left behind
    for (char c = 0; text.size() <= most;) {
        const ssize_t n = ::read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return "cannot read the token from " + name + ": " + std::generic_category().message(errno);
        if (n == 0 || (c == '\n' && !trimmed(text).empty())) break;
        text += c;
    }
    token = trimmed(text);
    if (token.empty()) return "there is no token in " + name;
    return {};
}

auth::outcome<void> read_token_file(const std::string& file, std::string& token) {
    if (file == "-") return read_line(STDIN_FILENO, "standard input", token);
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "cannot read " + file + ": " + std::generic_category().message(errno);
    struct stat info {};
    auth::outcome<void> done;
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0077) != 0)
        done = "the token file " + file + " can be read by others than its owner; run: chmod 600 " + file;
    else
        done = read_line(fd, file, token);
    ::close(fd);
    return done;
}

// Without echo; Ctrl-C is taken as a character, so that the terminal never stays without one.
auth::outcome<void> ask_for_token(std::string& token) {
    const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    termios before{};
    if (terminal < 0 || ::tcgetattr(terminal, &before) != 0) {
        if (terminal >= 0) ::close(terminal);
        return std::string("there is no terminal to ask for the token; give --token-file FILE, or the token on standard input");
    }
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ISIG | ICANON);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    auth::outcome<void> done;
    constexpr std::string_view prompt = "Token: ";
    // Silent before it asks: who answers at once is not echoed either.
    const bool quiet = ::tcsetattr(terminal, TCSAFLUSH, &silent) == 0;
    if (!quiet || ::write(terminal, prompt.data(), prompt.size()) < 0) {
        if (quiet) ::tcsetattr(terminal, TCSAFLUSH, &before);
        ::close(terminal);
        return std::string("cannot ask for the token on this terminal");
    }
    std::string text;
    text.reserve(most + 1);
    for (char c = 0; text.size() <= most;) {
        const ssize_t n = ::read(terminal, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || c == '\n' || c == '\r' || c == 4) break;
        if (c == 3) {
            done = std::string("interrupted; nothing was sent");
            break;
        }
        if (c == 0x7f || c == '\b') {
            if (!text.empty()) text.pop_back();
            continue;
        }
        text += c;
    }
    ::tcsetattr(terminal, TCSAFLUSH, &before);
    if (::write(terminal, "\n", 1) < 0) errno = 0;
    ::close(terminal);
    if (!done) return done;
    token = trimmed(text);
    if (token.empty()) return std::string("no token was given");
    return {};
}

int run(arguments& a) {
    const auto where = parse_gateway(a.where, enroll_port);
    if (!where)
        return complain("enroll wants HOST or HOST:PORT such as node1.example:7444, not \"" + a.where + "\"", enroll_exit::usage);
    a.options.where = *where;
    std::string token;
    const auto got = !a.token_file.empty()        ? read_token_file(a.token_file, token)
                     : ::isatty(STDIN_FILENO) == 1 ? ask_for_token(token)
                                                   : read_line(STDIN_FILENO, "standard input", token);
    if (!got) return complain(got.error(), enroll_exit::failed);
    return static_cast<int>(run_enroll(a.options, std::move(token)));
}

constexpr const char* footer = R"(
The token is read from standard input, from --token-file, or asked for without
echo; it is never an argument. This host makes its own key. Nothing is sent
before the gateway has shown a certificate for HOST from the CA of the pin.
Certificate, key and CA are kept in ~/.config/delvegate/contexts/NAME, and NAME
becomes the current context: `delvegate connect COMPONENT` then needs no flags.

Example:
  delvegate enroll node1.example:7444 --ca-pin sha256:4f2a...

Exit codes: 0 enrolled; 1 failed, nothing is stored; 2 command line.)";

}  // namespace

void add_enroll_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* enroll = app.add_subcommand("enroll", "Turn a one-time token into a certificate and a context of this host");
    enroll->footer(footer);
    enroll->add_option("gateway", a->where, "Where the gateway takes enrolments")->type_name("HOST[:7444]")->required();
    enroll->add_option("--ca-pin", a->options.ca_pin, "The gateway's CA, as `delvegate token create` prints it")
        ->type_name("sha256:HEX")
        ->required();
    enroll->add_option("--token-file", a->token_file, "A file with the token, readable by its owner only; -: standard input")
        ->type_name("FILE");
    enroll->add_option("--context", a->options.context, "What to call it here [HOST]")->type_name("NAME");
    enroll->add_flag("-q,--quiet", a->options.quiet, "Print nothing but what goes wrong");
    add_output_option(*enroll, a->options.output);
    enroll->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
