// `delvegate connect --background`: a connect in a session of its own, found again by later commands.
//
// Each has files of its user's alone in the state directory: a lock that the process holds from its start to its end, which
// alone says that it runs; a record of what it carries where; a pipe by which it is asked to end; and a log. No process is
// ever signalled by a number out of a file. After a kill -9 the kernel has let go of the lock, and the next start sweeps the rest.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "gateway/local_port.h"
#include "protocol/json.h"
#include "storage/fd.h"

namespace gateway {

// One for each component, gateway and address to listen at.
struct background_place {
    std::string component;  // a DNS label
    std::string gateway;    // HOST:PORT
    std::string listen;     // as parse_listen_address() reads it; empty, for an end: wherever it listens
};

// How one is started.
struct background_start {
    std::vector<std::string> words;  // of `delvegate`, for the process: nothing relative, nothing secret
    std::string options;             // what makes it the same one or another; compared, not read
};

// What there is now.
struct background_state {
    background_state() = default;  // no aggregate: an error's text must not look like one
    protocol::json record;  // component, state, address, host, port, gateway, log
    bool started = false;   // by this call
};
struct background_failure {
    std::string line;  // of the process, or of this one; as it is to be shown
    int code = 1;      // what to exit with
};

// Comes back when the port is ready, for one that runs already at once. Of several calls at the same time one starts it. When it
// cannot start, nothing of it is left. Refused when one runs with other options; `end` is the command that ends it.
boost::system::result<background_state, background_failure> start_in_background(const background_place& place, const background_start& how,
                                                                               const std::string& end);

// Asks those to end, and waits for it; how many have ended. None is no error.
or_reason<int> end_in_background(const background_place& place);

// The process's own end of it: what start_in_background() hands down to it. Its files are gone when this goes.
class background_self {
public:
    // Takes descriptor 3, the lock, for its own; an error when nobody has started it so.
    static or_reason<background_self> take(const background_place& place, std::string options);
    background_self(background_self&&) noexcept = default;
    background_self& operator=(background_self&&) = delete;
    ~background_self();

    // From here on others find it, and the one who waits for it goes on. `ready` has what a record has.
    or_reason<void> ready(protocol::json ready);
    // Readable when it is to end; after ready().
    int asked() const { return asked_.get(); }
    // Nobody is to find it any more, though it takes a moment to end.
    void leaving();

private:
    background_self() = default;
    storage::unique_fd lock_, asked_, writer_;
    std::string stem_, options_;
    bool told_ = false;
};

}  // namespace gateway
