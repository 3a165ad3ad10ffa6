package oracle

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/mutation"
	"k8s.io/apiserver/pkg/cel/mutation/dynamic"
)

// show writes a value down as {"<type>": …}, so that 1, 1u and 1.0 differ. Numbers are strings, JSON's would lose some;
// bytes are in hexadecimal, durations in nanoseconds.
// Maps are lists of [key, value] in the order of their keys.
func show(v ref.Val) any {
	switch x := v.(type) {
	case types.Int:
		return one("int", strconv.FormatInt(int64(x), 10))
	case types.Uint:
		return one("uint", strconv.FormatUint(uint64(x), 10))
	case types.Double:
		return one("double", strconv.FormatFloat(float64(x), 'e', -1, 64))
	case types.String:
		return one("string", string(x))
	case types.Bytes:
		return one("bytes", hex.EncodeToString(x))
	case types.Bool:
		return one("bool", bool(x))
	case types.Null:
		return one("null", nil)
	case types.Duration:
		return one("duration", strconv.FormatInt(x.Nanoseconds(), 10))
	case types.Timestamp:
		return one("timestamp", x.Time.Format(time.RFC3339Nano))
	case *types.Optional:
		if !x.HasValue() {
			return one("optional", nil)
		}
		return one("optional", show(x.GetValue()))
	case apiservercel.Format:
		return one(x.Type().TypeName(), x.Name)
	case *types.Type:
		return one("type", x.TypeName())
	case *dynamic.ObjectVal:
		return one(x.Type().TypeName(), show(types.DefaultTypeAdapter.NativeToValue(x.Value())))
	case *mutation.JSONPatchVal:
		// What is not written is an empty string there.
		fields := map[ref.Val]ref.Val{}
		for name, text := range map[string]string{"op": x.Op, "path": x.Path, "from": x.From} {
			if text != "" {
				fields[types.String(name)] = types.String(text)
			}
		}
		if x.Val != nil {
			fields[types.String("value")] = x.Val
		}
		return one("JSONPatch", show(types.DefaultTypeAdapter.NativeToValue(fields)))
	case traits.Mapper:
		entries := [][2]any{}
		for it := (ordered{x}).Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, [2]any{show(key), show(x.Get(key))})
		}
		return one("map", entries)
	case traits.Lister:
		elements := []any{}
		for it := x.Iterator(); it.HasNext() == types.True; {
			elements = append(elements, show(it.Next()))
		}
		return one("list", elements)
	}
	return one(v.Type().TypeName(), fmt.Sprint(v.Value()))
}

func one(name string, value any) map[string]any {
	return map[string]any{name: value}
}
