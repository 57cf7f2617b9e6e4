// micro_codec: what reading a request and writing its answer cost (Google Benchmark).
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/envelope.h"
#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/value.h"

namespace idnode {
namespace {

constexpr std::string_view kName = "88.118.1/870101.X200.0000000042";

std::vector<Value> product() {
  std::vector<Value> values(5);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i].index = static_cast<std::uint32_t>(i + 1);
    values[i].timestamp = 1'600'000'000;
    values[i].type = i == 0 ? "URL" : "DESC";
    values[i].data = std::string(40, 'v');
  }
  return values;
}

std::string request_frame() {
  handle::Request request;
  request.header.opcode = static_cast<std::uint32_t>(handle::OpCode::kResolve);
  request.header.flags = handle::flag::kClientDefault;
  request.name = kName;
  request.body = handle::ResolveBody{};
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

// `values`: five of them, encoded; must outlive it.
handle::Response answer(std::string_view values) {
  handle::Response response;
  response.header.opcode = static_cast<std::uint32_t>(handle::OpCode::kResolve);
  response.header.response_code = static_cast<std::uint32_t>(handle::ResponseCode::kSuccess);
  response.name = kName;
  response.values = {5, values};
  return response;
}

std::string answer_frame() {
  std::string values;
  encode_all(product(), values);
  const handle::Response response = answer(values);
  std::string frame;
  handle::encode_response(response, {}, frame);
  return frame;
}

void DecodeRequest(benchmark::State& state) {
  const std::string frame = request_frame();
  for (auto _ : state) {
    const auto envelope = handle::decode_envelope(frame);
    auto request = handle::decode_request(*envelope, std::string_view(frame).substr(handle::kEnvelopeSize),
                                          {2'048, 2'048});
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(DecodeRequest);

void EncodeAnswer(benchmark::State& state) {
  std::string values;
  encode_all(product(), values);
  const handle::Response response = answer(values);
  std::string frame;
  for (auto _ : state) {
    frame.clear();
    handle::encode_response(response, {}, frame);
    benchmark::DoNotOptimize(frame.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * frame.size()));
}
BENCHMARK(EncodeAnswer);

void DecodeAnswer(benchmark::State& state) {
  const std::string frame = answer_frame();
  for (auto _ : state) {
    const auto envelope = handle::decode_envelope(frame);
    auto response = handle::decode_response(*envelope, std::string_view(frame).substr(handle::kEnvelopeSize));
    benchmark::DoNotOptimize(response);
  }
}
BENCHMARK(DecodeAnswer);

void EncodeValues(benchmark::State& state) {
  const std::vector<Value> values = product();
  std::string octets;
  for (auto _ : state) {
    octets.clear();
    encode_all(values, octets);
    benchmark::DoNotOptimize(octets.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets.size()));
}
BENCHMARK(EncodeValues);

}  // namespace
}  // namespace idnode
