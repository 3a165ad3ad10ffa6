package oracle

import (
	"fmt"
	"sort"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

// inKeyOrder makes maps iterate in the order of their keys. The API server's order is random and differs from one
// evaluation to the next: values, errors and costs that depend on it could not be compared with anything.
var inKeyOrder = environment.VersionedOptions{
	IntroducedVersion: version.MajorMinor(1, 0),
	EnvOptions: []cel.EnvOption{func(env *cel.Env) (*cel.Env, error) {
		p := provider{env.CELTypeProvider(), env.CELTypeAdapter()}
		env, err := cel.CustomTypeProvider(p)(env)
		if err != nil {
			return nil, err
		}
		return cel.CustomTypeAdapter(p)(env)
	}},
}

// provider is a type provider whose values are ordered. It is provider and adapter in one because the API server's
// DeclTypeProvider takes the one for the other.
type provider struct {
	types.Provider
	adapter types.Adapter
}

// NativeToValue is called for every value that enters an expression or is made of entries.
func (p provider) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case map[string]any:
		return ordered{types.NewStringInterfaceMap(p, v)}
	case []any:
		return types.NewDynamicList(p, v)
	case map[ref.Val]ref.Val:
		return ordered{types.NewRefValMap(p, v)}
	case ordered, orderedMutable:
		return v.(ref.Val)
	case traits.MutableMapper:
		return orderedMutable{v}
	case traits.Mapper:
		return ordered{v}
	}
	return p.adapter.NativeToValue(value)
}

type ordered struct{ traits.Mapper }

func (m ordered) Iterator() traits.Iterator {
	var keys []ref.Val
	for it := m.Mapper.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	sort.SliceStable(keys, func(i, j int) bool { return before(keys[i], keys[j]) })
	return types.NewRefValList(types.DefaultTypeAdapter, keys).Iterator()
}

// orderedMutable is a map that a macro is filling.
type orderedMutable struct{ traits.MutableMapper }

func (m orderedMutable) Insert(key, value ref.Val) ref.Val {
	if result := m.MutableMapper.Insert(key, value); types.IsUnknownOrError(result) {
		return result
	}
	return m
}

func (m orderedMutable) ToImmutableMap() traits.Mapper {
	return ordered{m.MutableMapper.ToImmutableMap()}
}

// before orders keys by their types, then by their values; what has no order is ordered by how it is written.
func before(a, b ref.Val) bool {
	if x, y := rank(a), rank(b); x != y {
		return x < y
	}
	if comparer, ok := a.(traits.Comparer); ok {
		if order, ok := comparer.Compare(b).(types.Int); ok {
			return order < 0
		}
	}
	return fmt.Sprint(a.Value()) < fmt.Sprint(b.Value())
}

// rank is where keys of a type stand among keys of other types.
func rank(key ref.Val) int {
	switch key.(type) {
	case types.Null:
		return 0
	case types.Bool:
		return 1
	case types.Int:
		return 2
	case types.Uint:
		return 3
	case types.Double:
		return 4
	case types.String:
		return 5
	case types.Duration:
		return 6
	case types.Timestamp:
		return 7
	}
	return 8
}
