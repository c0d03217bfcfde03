import Testing

@testable import PhaseDB

struct RecipeTests {
  @Test("every recipe for every shape", arguments: RecipeCase.all)
  func recipe(_ recipe: RecipeCase) throws { try recipe.check() }

  @Test("how many there are")
  func count() {
    let refused = RecipeCase.all.filter { $0.refused != nil }.count
    print("recipes: \(RecipeCase.all.count) cases over \(RecipeShape.all.count) shapes, \(refused) of them refused")
    #expect(RecipeCase.all.count == RecipeShape.all.count * 13)
  }
}
