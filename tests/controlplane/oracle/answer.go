package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// oracle holds the compilers of one Kubernetes version. Building one takes longer than many answers, so they are kept.
type oracle struct {
	env *environment.EnvSet
	// composited holds a compiler for each set of variables that was asked about, by its JSON.
	composited map[string]*plugincel.CompositedCompiler
}

// keptCompilers bounds the compilers that are kept; a policy has one set of variables.
const keptCompilers = 64

func newOracle(compat *version.Version) (*oracle, error) {
	env, err := environment.MustBaseEnvSet(compat).Extend(inKeyOrder)
	if err != nil {
		return nil, err
	}
	return &oracle{env: env, composited: map[string]*plugincel.CompositedCompiler{}}, nil
}

// expression is what the compiler wants to be handed; any type is accepted, Answer.Type says which it is.
type expression struct{ name, text string }

func (e expression) GetExpression() string    { return e.text }
func (e expression) GetName() string          { return e.name }
func (e expression) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType} }

// answer answers one question. Where the API server's compiler panics, as cel-go's does on some malformed calls, the request
// that creates the policy ends with an error: that is a refusal too.
func (o *oracle) answer(q Question) (answer Answer) {
	defer func() {
		if reason := recover(); reason != nil {
			answer = Answer{Refused: []Refusal{{Message: fmt.Sprint("panic: ", reason)}}}
		}
	}()
	options := plugincel.OptionalVariableDeclarations{HasParams: true, HasAuthorizer: true, HasPatchTypes: q.Mutation}
	compiler, err := o.compiler(q, options)
	if err != nil {
		return Answer{Refused: refusals(err)}
	}
	compiled := compiler.CompileCELExpression(expression{text: q.Expr}, options, environment.NewExpressions)
	if compiled.Error != nil {
		return Answer{Refused: refusals(compiled.Error)}
	}

	variables := compiler.CreateContext(context.Background())
	inputs := map[string]any{
		plugincel.ObjectVarName:    orNull(q.Object),
		plugincel.OldObjectVarName: orNull(q.OldObject),
		plugincel.ParamsVarName:    orNull(q.Params),
		plugincel.RequestVarName:   orNull(q.Request),
		plugincel.NamespaceVarName: orNull(q.NamespaceObject),
	}
	inputs[plugincel.VariableVarName] = variables.Variables(inputs)

	value, details, err := compiled.Program.ContextEval(variables, inputs)
	answer = Answer{Type: compiled.OutputType.String()}
	if details != nil && details.ActualCost() != nil {
		cost := *details.ActualCost() + uint64(variables.GetAndResetCost())
		answer.Cost = &cost
	}
	if err != nil {
		answer.Error = err.Error()
	} else {
		answer.Value = show(value)
	}
	return answer
}

// compiler compiles the question's variables; the error is the first that is refused.
func (o *oracle) compiler(q Question, options plugincel.OptionalVariableDeclarations) (*plugincel.CompositedCompiler, error) {
	key, err := json.Marshal([]any{q.Variables, q.Mutation})
	if err != nil {
		return nil, err
	}
	if known, ok := o.composited[string(key)]; ok {
		return known, nil
	}
	compiler, err := plugincel.NewCompositedCompiler(o.env)
	if err != nil {
		return nil, err
	}
	for _, v := range q.Variables {
		accessor := expression{name: v.Name, text: v.Expression}
		compiled := compiler.CompileAndStoreVariable(accessor, options, environment.NewExpressions)
		if compiled.Error != nil {
			return nil, compiled.Error
		}
	}
	if len(o.composited) >= keptCompilers {
		clear(o.composited)
	}
	o.composited[string(key)] = compiler
	return compiler, nil
}

// orNull makes an input that is not there a null: a nil map would be an empty one.
func orNull(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func refusals(err error) []Refusal {
	var compilation *apiservercel.CompilationError
	if !errors.As(err, &compilation) {
		return []Refusal{{Message: err.Error()}}
	}
	var all []Refusal
	for _, issue := range compilation.Issues.Errors() {
		all = append(all, Refusal{issue.Location.Line(), issue.Location.Column() + 1, issue.Message})
	}
	return all
}
