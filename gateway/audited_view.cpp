#include "gateway/audited_view.h"

namespace gateway {

bool audited_view::intent(const protocol::judged& request, std::string_view rule, audit_operation& operation, go later,
                          std::string& error) {
    if (counts_) counts_->begun.add(request.classes);
    if (!session_) return true;
    // audit_session may call back before it returns, when nobody could have kept the operation yet.
    struct answer {
        bool here = false, left = false;
        std::string error;
        go later;
    };
    const auto said = std::make_shared<answer>();
    said->later = std::move(later);
    operation = session_->intent(request, {true, rule}, [said](std::string why) {
        said->here = true;
        said->error = std::move(why);
        if (said->left) said->later(std::move(said->error));
    });
    said->left = true;
    error = said->error;
    return said->here;
}

}  // namespace gateway
