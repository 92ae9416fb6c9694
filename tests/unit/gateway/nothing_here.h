// A gateway's directory of components that has none.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gateway/directory.h"

namespace gateway {

class nothing_here final : public directory {
public:
    verdict open(const caller&, std::string_view, stream_peer&, std::unique_ptr<stream_user>&) override { return {}; }
    std::vector<component_summary> list(const auth::identity&) const override { return {}; }
};

}  // namespace gateway
